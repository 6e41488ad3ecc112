-- takering: gives the ring that is due the longest to one node for a time.
-- KEYS   1 rings that are due
-- ARGV   1 lease in ms, 2 token, 3 what stands before an id in the key of a ring
-- Output {id, ring}, or nothing. A ring whose document is gone is forgotten.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _ = 1, 100 do
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)
  if #due == 0 then return false end
  local key = ARGV[3] .. due[1]
  local doc = redis.call('HGET', key, 'j')
  if doc then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), due[1])
    redis.call('HSET', key, 'token', ARGV[2])
    return {due[1], doc}
  end
  redis.call('ZREM', KEYS[1], due[1])
end
return false
