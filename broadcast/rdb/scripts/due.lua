-- due: moves one delayed job back to its lane, if it is due and still there.
-- KEYS   1 delayed jobs, 2 lane, 3 tally
-- ARGV   1 member, 2 job
-- Output 1 moved | 0 somebody was faster
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'j', ARGV[2])
redis.call('HINCRBY', KEYS[3], 'delayed', -1)
return 1
