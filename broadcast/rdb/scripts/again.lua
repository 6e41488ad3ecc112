-- again: records, before it leaves, that one who is being tried is sent
-- something once more, over whom, and who may have it already.
-- KEYS   1 lane, 2 states, 3 tally, 4 reasons
-- ARGV   1 group, 2 entry, 3 consumer, 4 ttl of the states in ms, 5 ordinal, 6 which sending again it is or 0, 7 second provider or '', 8 over it (0|1), 9 new state
-- Output 1 it may leave | 2 it is settled, or another job's | 4 the alert was stopped, 6 this one was halted: nothing is recorded | -1 the job is another one's
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return -1 end
local ordinal = tonumber(ARGV[5])
local w = open_window(KEYS[2], ordinal, ordinal)
if not is_trying(state_of(w, ordinal)) then return 2 end
if owner_of(KEYS[4], ordinal, redis.call('HEXISTS', KEYS[3], 'again') == 1) ~= tonumber(ARGV[6]) then return 2 end
if redis.call('HEXISTS', KEYS[3], 'stop') == 1 then return 4 end
if redis.call('HEXISTS', KEYS[3], 'halts') == 1 and redis.call('HEXISTS', KEYS[4], 'h' .. ordinal) == 1 then return 6 end
second_provider(KEYS[3], ARGV[7], ARGV[8] == '1')
set_state(w, ordinal, tonumber(ARGV[9]))
redis.call('HDEL', KEYS[4], 'd' .. ordinal)
close_window(w, KEYS[3], ARGV[4])
return 1
