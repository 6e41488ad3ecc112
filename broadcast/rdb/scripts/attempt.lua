-- attempt: counts an attempt, or says how long to wait.
-- KEYS   1 attempts
-- ARGV   1 how many are free, 2 first wait ms, 3 longest ms, 4 forget ms
-- Output ms to wait, 0: it was counted
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local until_ = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
if now < until_ then return until_ - now end
local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
local wait = 0
if n >= tonumber(ARGV[1]) then
  wait = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(30, n - tonumber(ARGV[1])))
end
redis.call('HSET', KEYS[1], 'until', string.format('%d', now + wait))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
