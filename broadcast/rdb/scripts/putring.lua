-- putring: writes what came of a ring, if the caller still has it in hand.
-- KEYS   1 ring, 2 rings that are due
-- ARGV   1 token, 2 id, 3 ring, 4 due again after so many ms, or -1: it is done, 5 how long it is kept in ms
-- Output 1 written | 0 another has taken it since
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'j', ARGV[3])
if ARGV[4] == '-1' then
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
else
  local t = redis.call('TIME')
  redis.call('ZADD', KEYS[2], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[4]), ARGV[2])
end
return 1
