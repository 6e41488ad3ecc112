-- unmember: erases a member of staff, and appends the act once.
-- KEYS   1 members, 2 revisions, 3 logins, 4 login of each, 5 acts, 6 number of acts, 7 acts of staff
-- ARGV   1 id, 2 act
-- Output 1
local had = redis.call('HEXISTS', KEYS[1], ARGV[1])
local login = redis.call('HGET', KEYS[4], ARGV[1])
if login then redis.call('HDEL', KEYS[3], login) end
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
if had == 1 then append_act(KEYS[5], KEYS[6], KEYS[7], ARGV[2]) end
return 1
