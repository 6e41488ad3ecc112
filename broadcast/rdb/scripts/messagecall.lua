-- messagecall: keeps what a volunteer wrote, and of many the newest. The same
-- call again (same nonce) keeps nothing more.
-- KEYS   1 call, 2 messages, 3 erased people, 4 people whom calls name
-- ARGV   1 number of the volunteer, 2 nonce, 3 message, 4 how many are kept
-- Output 1 kept | -1 no such call or person
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return -1 end
if redis.call('HGET', KEYS[1], 'wrote:nonce') == ARGV[2] then return 1 end
redis.call('SADD', KEYS[4], ARGV[1])
local n = redis.call('HINCRBY', KEYS[1], 'wrote', 1)
redis.call('HSET', KEYS[1], 'wrote:nonce', ARGV[2])
redis.call('HSET', KEYS[2], n .. ':' .. ARGV[1], ARGV[3])
if redis.call('HLEN', KEYS[2]) > tonumber(ARGV[4]) then
  local oldest, field
  for _, f in ipairs(redis.call('HKEYS', KEYS[2])) do
    local i = tonumber(string.match(f, '^%d+'))
    if not oldest or i < oldest then oldest, field = i, f end
  end
  redis.call('HDEL', KEYS[2], field)
end
return 1
