-- keep: keeps a ticket, and appends the act where it is new. The same call
-- again only starts its time again.
-- KEYS   1 ticket, 2 index of its kind, 3 acts, 4 number of acts, 5 acts of staff
-- ARGV   1 document, 2 digest, 3 lasts ms, 4 now ms, 5 act or ""
-- Output 1
local had = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4])
redis.call('ZADD', KEYS[2], tonumber(ARGV[4]) + tonumber(ARGV[3]), ARGV[2])
if ARGV[5] ~= '' and had == 0 then append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[5]) end
return 1
