-- enter: appends an act that belongs to no alert, and a document with it, once.
-- KEYS   1 acts, 2 act number, 3 acts of what it is about, 4 document
-- ARGV   1 act, 2 document
-- Output 1, or 0 where this document is there already
if redis.call('GET', KEYS[4]) == ARGV[2] then return 0 end
append_act(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
redis.call('SET', KEYS[4], ARGV[2])
return 1
