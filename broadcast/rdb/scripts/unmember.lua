-- unmember: erases a member of staff.
-- KEYS   1 members, 2 revisions, 3 logins, 4 login of each
-- ARGV   1 id
-- Output 1
local login = redis.call('HGET', KEYS[4], ARGV[1])
if login then redis.call('HDEL', KEYS[3], login) end
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
