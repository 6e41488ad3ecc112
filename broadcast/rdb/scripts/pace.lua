-- pace: generic cell rate algorithm on the store's clock, shared by all nodes.
-- KEYS   1 limiter
-- ARGV   1 emission interval in us, 2 burst, 3 cost (at most burst)
-- Output 0 go | us to wait. The min() caps the wait if the clock stepped back.
local t = redis.call('TIME')
local now, interval, burst = t[1] * 1000000 + t[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local tat = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), now + interval * burst)
local new = tat + interval * ARGV[3]
if new > now + interval * burst then return math.ceil(new - now - interval * burst) end
redis.call('PEXPIRE', KEYS[1], 1000)
redis.call('SET', KEYS[1], string.format('%.0f', new), 'PX', math.ceil((new - now) / 1000) + 1000)
return 0
