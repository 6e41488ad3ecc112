-- ringwarning: appends the act of a ring for a warning and keeps the ring, once
-- for each name, while nobody has answered it.
-- KEYS   1 warning, 2 acts, 3 act number, 4 acts of the warning, 5 ring, 6 rings that are due, 7 all rings, 8 rings of the warning
-- ARGV   1 nonce, 2 name, 3 act, 4 id of the ring, 5 ring, 6 now in ms, 7 how long it is kept in ms
-- Output 1 written by this call | 0 it was written before, or is not needed
local before = redis.call('HGET', KEYS[1], ARGV[2])
if before then return before == ARGV[1] and 1 or 0 end
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[1])
append_act(KEYS[2], KEYS[3], KEYS[4], ARGV[3])
keep_ring(KEYS, 5, ARGV[4], ARGV[5], ARGV[6], ARGV[7])
return 1
