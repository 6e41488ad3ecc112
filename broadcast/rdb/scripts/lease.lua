-- lease: says that this node lives.
-- KEYS   1 lease, 2 nodes
-- ARGV   1 ttl in ms, 2 node, 3 layout and version of its program
-- Output 1
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[1])
local t = redis.call('TIME')
redis.call('ZADD', KEYS[2], t[1], ARGV[2])
return 1
