-- notepeople: appends an act that changes nobody. The same call again (same
-- KEYS[4]) appends nothing.
-- KEYS   1 acts, 2 number of acts, 3 acts of people, 4 a name that this call alone has
-- ARGV   1 act, 2 for how long the name is kept, ms
-- Output 1 written | 0 this very call wrote it before
if not redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[2]) then return 0 end
append_act(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return 1
