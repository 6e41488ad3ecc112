-- move: changes a record's state if it is still what was seen. The same call
-- again (same nonce) changes nothing and says yes.
-- KEYS   1 record, 2 acts, 3 act number, 4 acts of the event, 5 a key that never exists, 6 what waits
-- ARGV   1 nonce, 2 state seen, 3 content seen, 4 approved seen, 5 new state, 6 new approved, 7 new record or '', 8 act, 9 id
-- Output 1 moved | 0 it has changed | -1 no such record
local h = redis.call('HMGET', KEYS[1], 'state', 'content', 'approved', 'moved')
if not h[1] then return -1 end
if h[4] == ARGV[1] then return 1 end
if h[1] ~= ARGV[2] or h[2] ~= ARGV[3] or h[3] ~= ARGV[4] then return 0 end
redis.call('PEXPIRE', KEYS[5], 1000)
redis.call('HSET', KEYS[1], 'state', ARGV[5], 'approved', ARGV[6], 'moved', ARGV[1])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'j', ARGV[7]) end
if ARGV[5] ~= 'submitted' then redis.call('ZREM', KEYS[6], ARGV[9]) end
append_act(KEYS[2], KEYS[3], KEYS[4], ARGV[8])
return 1
