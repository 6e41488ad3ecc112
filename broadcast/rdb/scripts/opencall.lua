-- opencall: stores a new call under the next number. One that is there already
-- stays as it is.
-- KEYS   1 a key that never exists, 2 call, 3 legs, 4 legs that are due, 5 answers, 6 calls, 7 number, 8 open calls, 9 calls that are due,
--        10 acts, 11 act number, 12 acts of the call, 13 erased people, 14 people whom calls name
-- ARGV   1 id, 2 call, 3 act, 4 ttl of the legs in ms, 5 due in ms, then for each leg: number, leg, due in ms or ''
-- Output {number, revision, state, call}
local had = redis.call('HMGET', KEYS[2], 'number', 'rev', 'state', 'j')
if had[1] then return had end
redis.call('PEXPIRE', KEYS[1], 1000)
local number = redis.call('INCR', KEYS[7])
redis.call('HSET', KEYS[2], 'number', number, 'rev', 1, 'state', 'open', 'j', ARGV[2])
redis.call('ZADD', KEYS[6], number, ARGV[1])
redis.call('ZADD', KEYS[8], number, ARGV[1])
redis.call('ZADD', KEYS[9], ARGV[5], ARGV[1])
add_legs(KEYS[3], KEYS[4], KEYS[5], KEYS[13], KEYS[14], 6, ARGV[4])
append_act(KEYS[10], KEYS[11], KEYS[12], ARGV[3])
return {tostring(number), '1', 'open', ARGV[2]}
