-- intake: stores a new record once for each (sender, identifier), for ever.
-- At maxmemory an urgent one still gets in: Redis checks memory only until a
-- script has written, and PEXPIRE is always allowed.
-- KEYS   1 alias, 2 record, 3 raw bytes, 4 all records, 5 event, 6 acts, 7 act number, 8 acts of the event, 9 a key that never exists, 10 what waits
-- ARGV   1 id, 2 urgent (0|1), 3 raw, 4 act, 5.. field, value of the record
-- Output {id, 1 stored | 0 known before}
local known = redis.call('GET', KEYS[1])
if known then return {known, known == ARGV[1] and 1 or 0} end
if ARGV[2] == '1' then redis.call('PEXPIRE', KEYS[9], 1000) end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], unpack(ARGV, 5))
if ARGV[3] ~= '' then redis.call('SET', KEYS[3], ARGV[3]) end
redis.call('ZADD', KEYS[4], 0, ARGV[1])
redis.call('ZADD', KEYS[10], 0, ARGV[1])
redis.call('HSET', KEYS[5], 'last', ARGV[1])
append_act(KEYS[6], KEYS[7], KEYS[8], ARGV[4])
return {ARGV[1], 1}
