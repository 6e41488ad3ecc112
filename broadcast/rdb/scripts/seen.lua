-- seen: reads a session and starts its idle time again.
-- KEYS   1 session
-- ARGV   1 idle ms
-- Output member, document, began, seen, ends; or nothing
local s = redis.call('HMGET', KEYS[1], 'm', 'd', 'began', 'seen', 'ends')
if not s[1] then return false end
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local left = tonumber(s[5]) - now
if left <= 0 then
  redis.call('DEL', KEYS[1])
  return false
end
redis.call('HSET', KEYS[1], 'seen', string.format('%d', now))
redis.call('PEXPIRE', KEYS[1], math.min(tonumber(ARGV[1]), left))
s[4] = string.format('%d', now)
return s
