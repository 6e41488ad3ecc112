-- join: makes a channel's groups. A new channel starts at the end of the log:
-- history is never sent again. A known one whose group was lost starts where
-- it once began: plans tell what was done.
-- KEYS   1 log, 2 starting places, 3 when channels were last seen, 4 lane x, 5 lane n
-- ARGV   1 channel, 2 group of the log, 3 group of the lanes, 4 now in ms, 5 starting place if it must be known (0-0) or ''
-- Output where the channel starts
redis.call('PERSIST', KEYS[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
local start = redis.call('HGET', KEYS[2], ARGV[1])
if not start then
  start = ARGV[5]
  if start == '' then
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
    start = last[1] and last[1][1] or '0-0'
  end
  redis.call('HSET', KEYS[2], ARGV[1], start)
end
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[2], start, 'MKSTREAM')
redis.pcall('XGROUP', 'CREATE', KEYS[4], ARGV[3], '0', 'MKSTREAM')
redis.pcall('XGROUP', 'CREATE', KEYS[5], ARGV[3], '0', 'MKSTREAM')
return start
