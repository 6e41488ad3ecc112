-- warning: stores a warning of somebody else, once for its key and once for its
-- text, with its act and a ring, and closes those that it follows.
-- KEYS   1 warning, 2 all warnings, 3 acts, 4 act number, 5 acts of the warning, 6 keys of its name, 7 its text,
--        8 ring, 9 rings that are due, 10 all rings, 11 rings of the warning, 12.. warnings that it follows
-- ARGV   1 nonce, 2 key, 3 warning, 4 act, 5 received in ms, 6 how long it is kept in ms,
--        7 id of the ring or "", 8 ring, 9 how long that is kept, 10 state of those that it follows
-- Output 1 stored by this call | 0 it is known
local before = redis.call('HGET', KEYS[1], 'n')
if before then return before == ARGV[1] and 1 or 0 end
if redis.call('EXISTS', KEYS[7]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'n', ARGV[1], 'j', ARGV[3], 'state', 'open')
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('SET', KEYS[7], ARGV[2], 'PX', ARGV[6])
redis.call('SADD', KEYS[6], ARGV[2])
redis.call('PEXPIRE', KEYS[6], ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', ARGV[5] - ARGV[6]))
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2])
append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[4])
for i = 12, #KEYS do
  local state = redis.call('HGET', KEYS[i], 'state')
  if state and state ~= 'cancelled' then
    redis.call('HSET', KEYS[i], 'state', ARGV[10], 'later', ARGV[2])
  end
end
if ARGV[7] ~= '' then keep_ring(KEYS, 8, ARGV[7], ARGV[8], ARGV[5], ARGV[9]) end
return 1
