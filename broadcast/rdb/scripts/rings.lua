-- Shared: keeps a ring, due at once. at is where its four keys begin: ring,
-- rings that are due, all rings, rings of the event.
local function keep_ring(keys, at, id, json, now, kept)
  redis.call('HSET', keys[at], 'j', json)
  redis.call('ZADD', keys[at + 1], now, id)
  redis.call('ZREMRANGEBYSCORE', keys[at + 2], '-inf', string.format('%.0f', now - kept))
  redis.call('ZADD', keys[at + 2], now, id)
  redis.call('RPUSH', keys[at + 3], id)
  redis.call('PEXPIRE', keys[at + 3], kept)
end
