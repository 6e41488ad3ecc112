-- park: keeps a report whose message id is not known yet. A failed or
-- delivered one that waits is not replaced.
-- KEYS   1 index, 2 parking place
-- ARGV   1 report, 2 ttl in ms
-- Output what the index says, or '' if the report was parked
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2], 'NX')
return ''
