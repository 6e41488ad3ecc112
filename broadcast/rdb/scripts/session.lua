-- session: begins a session.
-- KEYS   1 session, 2 sessions of the member
-- ARGV   1 member, 2 document, 3 digest, 4 idle ms, 5 longest ms
-- Output 1
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local ends = now + tonumber(ARGV[5])
local ms = string.format('%d', now)
redis.call('HSET', KEYS[1], 'm', ARGV[1], 'd', ARGV[2], 'began', ms, 'seen', ms, 'ends', string.format('%d', ends))
redis.call('PEXPIRE', KEYS[1], math.min(tonumber(ARGV[4]), tonumber(ARGV[5])))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ms)
redis.call('ZADD', KEYS[2], ends, ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
