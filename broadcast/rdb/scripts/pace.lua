-- pace: how many messages may leave now over one account at a platform, on the
-- store's clock, for all nodes: the platform's own wish to wait, then quotas an
-- hour and a day, then the messages a second (generic cell rate algorithm).
-- KEYS   1 limiter, 2 not before, 3 last urgent try in spite of it, 4 counts of the hour, 5 counts of the day
-- ARGV   1 emission interval in us or 0, 2 burst, 3 messages (at most burst), 4 urgent (0|1), 5 ms between urgent tries,
--        6, 7 allowance of the hour and of the day: a number, or -1 counted only, or -2 not counted
-- Output {messages, 0, 0} | {0, us to wait, 0 pace | 1 the platform | 2 hour | 3 day}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local cost = tonumber(ARGV[3])

-- The time to live is the store's, so the wait is bounded by what was asked
-- for, also where the clock stepped back.
local asked = redis.call('GET', KEYS[2])
local try = false
if asked then
  local left = math.min(redis.call('PTTL', KEYS[2]), tonumber(asked))
  if left > 0 then
    if ARGV[4] == '0' then return {0, left * 1000, 1} end
    local since = redis.call('PTTL', KEYS[3])
    if since > 0 then return {0, math.min(since, tonumber(ARGV[5]), left) * 1000, 1} end
    try = true
  end
end

-- A quota counts in sixtieths of its time and looks at sixty-one of them, so that
-- no stretch of that length ever holds more than it. What lies in the future, for
-- the clock stepped back, was now.
local function count(key, allowed, width)
  local part, used, parts, old = math.floor(now / width), 0, {}, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local p = tonumber(all[i])
    if p > part then
      redis.call('PEXPIRE', key, 122 * width / 1000)
      redis.call('HDEL', key, all[i])
      redis.call('HINCRBY', key, string.format('%.0f', part), all[i + 1])
      p = part
    end
    if p <= part - 61 then old[#old + 1] = all[i]
    else
      used = used + all[i + 1]
      parts[#parts + 1] = {p, tonumber(all[i + 1])}
    end
  end
  if allowed == -1 or used + 1 <= allowed then
    if allowed >= 0 then cost = math.min(cost, allowed - used) end
    return nil, part, old
  end
  table.sort(parts, function(a, b) return a[1] < b[1] end)
  for _, p in ipairs(parts) do
    used = used - p[2]
    if used + 1 <= allowed then return math.min((p[1] + 61) * width - now, 61 * width), part, old end
  end
  return 61 * width, part, old -- the allowance is nothing at all
end
local counted = {}
for i, width in ipairs({60000000, 1440000000}) do
  local allowed = tonumber(ARGV[5 + i])
  if allowed ~= -2 then
    local wait, part, old = count(KEYS[3 + i], allowed, width)
    if wait then return {0, wait, 1 + i} end
    counted[#counted + 1] = {KEYS[3 + i], part, old, width}
  end
end

-- The limiter holds when the account has had all it was granted, and when that
-- was written: where the clock stepped back since, it is moved as far.
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
if interval > 0 then
  local tat, back = now, false
  local at, seen = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
  if at then
    back = now < tonumber(seen)
    tat = tonumber(at) - math.max(tonumber(seen) - now, 0)
  end
  local function keep(v)
    redis.call('PEXPIRE', KEYS[1], 1000)
    redis.call('SET', KEYS[1], string.format('%.0f %.0f', v, now), 'PX', math.ceil((v - now) / 1000) + 1000)
  end
  tat = math.min(math.max(tat, now), now + interval * burst)
  local new = tat + interval * cost
  if new > now + interval * burst then
    if back then keep(tat) end
    return {0, math.ceil(new - now - interval * burst), 0}
  end
  keep(new)
end
for _, c in ipairs(counted) do
  redis.call('PEXPIRE', c[1], 122 * c[4] / 1000)
  if #c[3] > 0 then redis.call('HDEL', c[1], unpack(c[3])) end
  redis.call('HINCRBY', c[1], string.format('%.0f', c[2]), cost)
  redis.call('PEXPIRE', c[1], 122 * c[4] / 1000)
end
if try then
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
  redis.call('SET', KEYS[3], '1', 'PX', ARGV[5])
end
return {cost, 0, 0}
