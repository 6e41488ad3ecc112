-- ring: appends the act of a ring and keeps the ring itself, in one moment, once
-- for each name. The same call again (same nonce) gives the first one's answer.
-- KEYS   1 event, 2 acts, 3 act number, 4 acts of the event, 5 a key that never exists,
--        6 ring, 7 rings that are due, 8 all rings, 9 rings of the event
-- ARGV   1 nonce, 2 name, 3 act, 4 id of the ring, 5 ring, 6 now in ms, 7 how long it is kept in ms
-- Output 1 written by this call | 0 it was written before | -1 no such event
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local before = redis.call('HGET', KEYS[1], 'note:' .. ARGV[2])
if before then return before == ARGV[1] and 1 or 0 end
redis.call('PEXPIRE', KEYS[5], 1000)
redis.call('HSET', KEYS[1], 'note:' .. ARGV[2], ARGV[1])
append_act(KEYS[2], KEYS[3], KEYS[4], ARGV[3])
keep_ring(KEYS, 6, ARGV[4], ARGV[5], ARGV[6], ARGV[7])
return 1
