-- redial: gives back to the queue one recipient whom the platform did not reach
-- this time (busy, nobody there), with a job of its own that comes due later; a
-- bounded number of times, and only while the alert goes on here. A report that
-- comes twice changes nothing: its sending is not the recipient's any more.
-- KEYS   1 states, 2 tally, 3 reasons, 4 reported parts, 5 delayed jobs, 6 record
-- ARGV   1 ordinal, 2 which sending again the message is of or 0, 3 how often at most, 4 delay in ms, 5 reason, 6 ttl of the states in ms,
--        7 member for the delayed jobs with places for which sending again and key
-- Output 1 it comes again | 0 not
local ordinal, of = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('HEXISTS', KEYS[2], 'stop') == 1 or redis.call('HGET', KEYS[6], 'state') ~= 'issued' then return 0 end
if redis.call('HEXISTS', KEYS[3], 'h' .. ordinal) == 1 then return 0 end -- they have answered
local w = open_window(KEYS[1], ordinal, ordinal)
if state_of(w, ordinal) ~= ACCEPTED or owner_of(KEYS[3], ordinal, redis.call('HEXISTS', KEYS[2], 'again') == 1) ~= of then return 0 end
if tonumber(redis.call('HGET', KEYS[3], 'm' .. ordinal) or 0) >= tonumber(ARGV[3]) then return 0 end
redis.call('PERSIST', KEYS[5])
local no = redis.call('HINCRBY', KEYS[2], 'again', 1)
set_state(w, ordinal, QUEUED)
close_window(w, KEYS[2], ARGV[6])
redis.call('HDEL', KEYS[3], ordinal)
redis.call('HDEL', KEYS[4], ordinal)
redis.call('HINCRBY', KEYS[3], 'm' .. ordinal, 1)
redis.call('HSET', KEYS[3], 'g' .. ordinal, no .. ' ' .. no)
redis.call('PEXPIRE', KEYS[3], ARGV[6])
local t = redis.call('TIME')
local due = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[4])
redis.call('ZADD', KEYS[5], due, string.format(ARGV[7], no, no))
redis.call('HINCRBY', KEYS[2], 'delayed', 1)
redis.call('HSET', KEYS[2], 'next', due, 'err', ARGV[5])
return 1
