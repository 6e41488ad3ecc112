-- Shared: the receipt index, see receipts.go.

-- open_receipts tells that the alert has receipts with a provider until so many
-- ms from now; those that have ended are forgotten. The version holds the time,
-- since counting alone comes to the same number again on a copy of the store
-- that lacks the last of it.
local function open_receipts(key, alert, buckets, ttl)
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local known = redis.call('HGET', key, alert)
  -- A minute more or less does not matter: the alerts are not many.
  if known and tonumber(string.match(known, ' (%d+)$')) >= now + ttl - 60000 then return end
  if not known then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
      local ends = string.match(all[i + 1], ' (%d+)$')
      if ends and tonumber(ends) < now then redis.call('HDEL', key, all[i]) end
    end
    local v = tonumber(string.match(redis.call('HGET', key, 'v') or '', '^%d+') or 0) + 1
    redis.call('HSET', key, 'v', string.format('%.0f.%.0f', v, t[1] * 1000000 + t[2]))
  end
  redis.call('HSET', key, alert, buckets .. ' ' .. string.format('%.0f', now + ttl))
end

-- keep_receipt says where a message id belongs. What is usual is left out.
local function keep_receipt(bucket, field, ttl, ordinal, part, parts, more)
  local where = tostring(ordinal)
  if parts > 1 or more ~= '' then where = where .. ' ' .. part .. ' ' .. parts .. more end
  redis.call('HSET', bucket, field, where)
  redis.call('PEXPIRE', bucket, ttl)
end
