-- erase: removes a person for good and leaves a tombstone, which holds nothing
-- but the time.
-- KEYS   1 people, 2 tombstones, 3 changes, 4 acts, 5 number of acts, 6 acts of people, 7.. index keys of the contacts
-- ARGV   1 number, 2 now in ms, 3 the first 13 bytes of what was read, 4 act or ''
-- Output 1 erased | 0 there was nobody | -1 changed meanwhile
local had = redis.call('HGET', KEYS[1], ARGV[1])
if not had then
  return redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] and 1 or 0 -- this very call did it
end
if string.sub(had, 1, 13) ~= ARGV[3] then return -1 end
redis.call('HDEL', KEYS[1], ARGV[1])
for i = 7, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'n', ARGV[1])
if ARGV[4] ~= '' then append_act(KEYS[4], KEYS[5], KEYS[6], ARGV[4]) end
return 1
