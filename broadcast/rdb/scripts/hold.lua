-- hold: the platform asked all to wait.
-- KEYS   1 not before
-- ARGV   1 ms
-- Output 1 noted | 0 a longer wait is known
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[1])
return 1
