-- erase: removes a person for good and leaves a tombstone, which holds nothing
-- but the time.
-- KEYS   1 people, 2 tombstones, 3.. index keys of the contacts
-- ARGV   1 number, 2 now in ms
-- Output 1 erased | 0 there was nobody
local there = redis.call('HDEL', KEYS[1], ARGV[1])
for i = 3, #KEYS do redis.call('DEL', KEYS[i]) end
if there == 1 then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
return there
