-- plan: puts jobs into a lane, each once, and acknowledges the log entry with
-- the last of them.
-- KEYS   1 lane, 2 tally, 3 log
-- ARGV   1 number of jobs planned before, 2 group of the log, 3 entry to acknowledge or '', 4.. jobs
-- Output number of jobs planned now; any other than before + new: somebody was faster
local n = tonumber(redis.call('HGET', KEYS[2], 'plan') or 0)
if n ~= tonumber(ARGV[1]) then return n end
redis.call('PERSIST', KEYS[1])
for i = 4, #ARGV do redis.call('XADD', KEYS[1], '*', 'j', ARGV[i]) end
if #ARGV > 3 then n = n + #ARGV - 3; redis.call('HSET', KEYS[2], 'plan', n) end
if ARGV[3] ~= '' then redis.call('XACK', KEYS[3], ARGV[2], ARGV[3]) end
return n
