-- answer: writes what somebody has decided about a warning, with the act.
-- KEYS   1 warning, 2 acts, 3 act number, 4 acts of the warning
-- ARGV   1 nonce, 2 state, 3 act
-- Output 1 written | 0 it takes no answer any more | -1 no such warning
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return -1 end
if redis.call('HGET', KEYS[1], 'call') == ARGV[1] then return 1 end
if state ~= 'open' and state ~= 'drafted' then return 0 end
redis.call('HSET', KEYS[1], 'call', ARGV[1], 'state', ARGV[2], 'answer', ARGV[3])
append_act(KEYS[2], KEYS[3], KEYS[4], ARGV[3])
return 1
