-- key: stores an API key and appends the act. The same call again changes
-- nothing.
-- KEYS   1 keys, 2 tokens, 3 acts, 4 number of acts, 5 acts of staff
-- ARGV   1 id, 2 what was read, "": whatever there is, 3 key, 4 digest of the token or "", 5 act
-- Output 1 stored | -1 changed meanwhile
local had = redis.call('HGET', KEYS[1], ARGV[1])
if had == ARGV[3] then return 1 end
if ARGV[2] ~= '' and had ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[4], ARGV[1]) end
append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[5])
return 1
