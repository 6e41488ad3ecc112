-- report: applies what the platform says later of one message, forward only.
-- KEYS   1 states, 2 tally, 3 reasons, 4 reported parts
-- ARGV   1 ordinal, 2 part, 3 number of parts, 4 delivered | failed, 5 reason, 6 ttl of the states in ms, 7 which sending again the message is of or 0
-- Output {1 delivered | 0, 1 failed | 0}
redis.call('PERSIST', KEYS[2])
local ordinal = tonumber(ARGV[1])
local w = open_window(KEYS[1], ordinal, ordinal)
local now = apply_report(w, KEYS[2], KEYS[3], KEYS[4], ARGV[6], ordinal, tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[7]))
close_window(w, KEYS[2], ARGV[6])
return {now == DELIVERED and 1 or 0, now == FAILED and 1 or 0}
