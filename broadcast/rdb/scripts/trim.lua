-- trim: removes what is older than the floor and acknowledged in every group
-- that is in use. The newest entry always stays.
-- KEYS   1 log, 2 epoch
-- ARGV   1 floor id, 2.. groups that must exist
-- Output {removed | -1 a group is missing: nothing trimmed, least id kept}
local function before(a, b)
  local am, as = string.match(a, '^(%d+)%-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)%-(%d+)$')
  am, as, bm, bs = tonumber(am), tonumber(as), tonumber(bm), tonumber(bs)
  return am < bm or am == bm and as < bs
end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if not last[1] then return {0, '0-0'} end
local min, wanted, missing = ARGV[1], {}, #ARGV - 1
if before(last[1][1], min) then min = last[1][1] end
for i = 2, #ARGV do wanted[ARGV[i]] = true end
for _, x in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local g = {}
  for i = 1, #x, 2 do g[x[i]] = x[i + 1] end
  if wanted[g['name']] then
    missing = missing - 1
    local p = redis.call('XPENDING', KEYS[1], g['name'])
    local first = p[1] > 0 and p[2] or g['last-delivered-id']
    if before(first, min) then min = first end
  end
end
if missing > 0 then return {-1, min} end
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', min)
if removed > 0 then redis.call('HSET', KEYS[2], 'floor', min) end
return {removed, min}
