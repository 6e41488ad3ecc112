-- attendcall: keeps when a volunteer was there, as it was read. Who arrives at an
-- open call is asked no more; whoever has the call in hand loses it, since their
-- round is decided without that. The same call again (same nonce) changes nothing
-- more.
-- KEYS   1 a key that never exists, 2 call, 3 presences, 4 acts, 5 act number, 6 acts of the call, 7 erased people, 8 people whom calls name,
--        9 legs that are due, 10 paged people, 11 calls that are due
-- ARGV   1 number of the volunteer, 2 nonce, 3 nonce of what was read or '', 4 presence, 5 act or '', 6 arrived (1) | not there after all (0) | '',
--        7 id, 8 time in ms, 9 ttl of the marks in ms, 10 what stands before all keys
-- Output 1 kept | 0 another was faster | -1 no such call or person
local state = redis.call('HGET', KEYS[2], 'state')
if not state or redis.call('HEXISTS', KEYS[7], ARGV[1]) == 1 then return -1 end
local had = redis.call('HGET', KEYS[3], ARGV[1])
local nonce = had and string.match(had, '^(%x+) ') or ''
if nonce == ARGV[2] then return 1 end
if nonce ~= ARGV[3] then return 0 end
redis.call('PEXPIRE', KEYS[1], 1000)
redis.call('SADD', KEYS[8], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
if ARGV[5] ~= '' then append_act(KEYS[4], KEYS[5], KEYS[6], ARGV[5]) end
if ARGV[6] ~= '' and state == 'open' then
  if ARGV[6] == '1' then
    redis.call('ZREM', KEYS[9], ARGV[1])
    halt_pages(ARGV[10], redis.call('HGET', KEYS[10], ARGV[1]), ARGV[9])
  end
  redis.call('HDEL', KEYS[2], 'token', 'look')
  redis.call('ZADD', KEYS[11], ARGV[8], ARGV[7])
end
return 1
