-- epoch: gives the log's epoch, a new one where the log was made anew, is
-- shorter than known, or no longer holds an entry that is known: a replica that
-- became master may lack it, and others may have followed by now.
-- KEYS   1 epoch, 2 log
-- ARGV   1 epoch to use if a new one is needed, 2 newest entry that this node knows of, or ''
-- Output {epoch, 1 new | 0 the same}
local function before(a, b)
  local am, as = string.match(a, '^(%d+)%-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)%-(%d+)$')
  am, as, bm, bs = tonumber(am), tonumber(as), tonumber(bm), tonumber(bs)
  return am < bm or am == bm and as < bs
end
local h = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'floor')
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local at = last[1] and last[1][1] or '0-0'
local whole = h[1] and not before(at, h[2] or '0-0') and (ARGV[2] == '' or not before(at, ARGV[2]))
if whole and ARGV[2] ~= '' and ARGV[2] ~= '0-0' and not (h[3] and before(ARGV[2], h[3])) then
  whole = #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) > 0
end
if whole then return {h[1], 0} end
redis.call('PEXPIRE', KEYS[1], 2147483647)
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'head', at)
redis.call('HDEL', KEYS[1], 'floor')
return {ARGV[1], 1}
