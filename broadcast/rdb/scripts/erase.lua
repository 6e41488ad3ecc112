-- erase: removes a person for good and leaves a tombstone, which holds nothing
-- but the time, and the wish to be forgotten in calls. With it goes the note that
-- the append-only file is to be rewritten: the number, which no two erasures share.
-- KEYS   1 people, 2 tombstones, 3 changes, 4 acts, 5 number of acts, 6 acts of people, 7 people to forget in calls, 8 people whom calls name,
--        9 what rewriting is due, 10.. index keys of the contacts
-- ARGV   1 number, 2 now in ms, 3 the first 13 bytes of what was read, 4 act or '', 5 1: the append-only file is to be rewritten
-- Output 1 erased | 2 erased, and calls name them | 0 there was nobody | -1 changed meanwhile
local had = redis.call('HGET', KEYS[1], ARGV[1])
if not had then
  if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
  return redis.call('SISMEMBER', KEYS[7], ARGV[1]) + 1 -- this very call did it
end
if string.sub(had, 1, 13) ~= ARGV[3] then return -1 end
redis.call('HDEL', KEYS[1], ARGV[1])
for i = 10, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'n', ARGV[1])
if ARGV[5] == '1' then redis.call('HSET', KEYS[9], 'due', ARGV[1]) end
if ARGV[4] ~= '' then append_act(KEYS[4], KEYS[5], KEYS[6], ARGV[4]) end
if redis.call('SISMEMBER', KEYS[8], ARGV[1]) == 0 then return 1 end
redis.call('SADD', KEYS[7], ARGV[1])
return 2
