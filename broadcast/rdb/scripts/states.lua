-- Shared: delivery states, 4 bits a recipient, two in a byte, the even ordinal
-- in the low half; what was never written is 0, queued. A window is read once,
-- changed in memory and written once.
local QUEUED, TRYING, ACCEPTED, DELIVERED, FAILED, UNCERTAIN, EXPIRED, SUPPRESSED = 0, 1, 2, 3, 4, 5, 6, 7

-- A recipient that is being tried is TRYING over the channel's own provider, or
-- in one of these. The first of two is the doubt that was before.
local BY_SECOND, OWN_OWN, OWN_SECOND, SECOND_OWN, SECOND_SECOND = 8, 9, 10, 11, 12
-- What it was before the last message left, which was surely not taken.
local BEFORE = {[TRYING] = QUEUED, [BY_SECOND] = QUEUED, [OWN_OWN] = TRYING, [OWN_SECOND] = TRYING, [SECOND_OWN] = BY_SECOND, [SECOND_SECOND] = BY_SECOND}

local function is_trying(s) return s == TRYING or s > SUPPRESSED end
local function plain(s) if is_trying(s) then return TRYING end return s end

local function open_window(key, lo, hi)
  local first, last = math.floor(lo / 2), math.floor(hi / 2)
  local bytes = {string.byte(redis.call('GETRANGE', key, first, last), 1, -1)}
  for i = #bytes + 1, last - first + 1 do bytes[i] = 0 end
  return {key = key, first = first, bytes = bytes, changed = false, delta = {}}
end

local function state_of(w, ordinal)
  local b = w.bytes[math.floor(ordinal / 2) - w.first + 1]
  if ordinal % 2 == 0 then return b % 16 end
  return math.floor(b / 16)
end

local function set_state(w, ordinal, to)
  local i = math.floor(ordinal / 2) - w.first + 1
  local b = w.bytes[i]
  local from = state_of(w, ordinal)
  if from == to then return end
  if ordinal % 2 == 0 then w.bytes[i] = b - from + to else w.bytes[i] = b + (to - from) * 16 end
  w.changed = true
  from, to = plain(from), plain(to)
  w.delta[from] = (w.delta[from] or 0) - 1
  w.delta[to] = (w.delta[to] or 0) + 1
end

-- close_window writes the states and counts them in the tally (s1 .. s7).
local function close_window(w, tally, ttl)
  if not w.changed then return end
  redis.call('PEXPIRE', w.key, ttl)
  redis.call('SETRANGE', w.key, w.first, string.char(unpack(w.bytes)))
  redis.call('PEXPIRE', w.key, ttl)
  for s = 1, 7 do
    if w.delta[s] and w.delta[s] ~= 0 then redis.call('HINCRBY', tally, 's' .. s, w.delta[s]) end
  end
end

-- because writes down why a recipient stands where it does, and since when.
local function because(why, ordinal, reason)
  local t = redis.call('TIME')
  redis.call('HSET', why, ordinal, string.format('@%.0f %s', t[1] * 1000 + math.floor(t[2] / 1000), reason))
end

-- owner_of gives the job that a recipient belongs to since somebody asked to
-- send it again, and what sets its key apart; 0, 0 for those of the plan.
-- resent is the tally's field "again": without it nobody has.
local function owner_of(why, ordinal, resent)
  local mark = resent and redis.call('HGET', why, 'g' .. ordinal)
  if not mark then return 0, 0 end
  local owner, key = string.match(mark, '^(%d+) (%d+)$')
  return tonumber(owner), tonumber(key)
end

-- keep_trail notes over whom one left that ends uncertain, where it was not once
-- over the channel's own provider: whoever sends it again asks those.
local function keep_trail(tally, why, ordinal, s)
  if s <= SUPPRESSED then return end
  redis.call('HSET', why, 'd' .. ordinal, s)
  redis.call('HSET', tally, 'trails', 1)
end

-- second_provider notes who carries for the alert's channel beside its own
-- provider, and tells whether the doubts may be another one's.
local function second_provider(tally, name, over)
  local known = redis.call('HGET', tally, 'second')
  if over and not known then
    redis.call('HSET', tally, 'second', name)
    known = name
  elseif over and known ~= name and known ~= '*' then
    redis.call('HSET', tally, 'second', '*')
    known = '*'
  end
  return known and known ~= name
end

-- apply_report moves one recipient by what the platform says later: forward
-- only, and to delivered only with the last of its parts. reported holds, by
-- ordinal, one letter for each part: d where it was delivered. of is the job
-- that sent the message: where another one sends again by now, an old failure
-- says nothing, nor does a part. It gives the new state, nil where nothing
-- changed.
local function apply_report(w, tally, why, reported, ttl, ordinal, part, parts, state, reason, of)
  local now = state_of(w, ordinal)
  if now == DELIVERED or now == FAILED or now == EXPIRED or now == SUPPRESSED then return end
  local old = owner_of(why, ordinal, redis.call('HEXISTS', tally, 'again') == 1) ~= of
  if old and (state == 'failed' or parts > 1) then return end
  if state == 'failed' then
    set_state(w, ordinal, FAILED)
    because(why, ordinal, reason)
    redis.call('PEXPIRE', why, ttl)
    redis.call('HSET', tally, 'err', reason)
    return FAILED
  end
  if parts > 1 then
    local seen = redis.call('HGET', reported, ordinal) or string.rep('.', parts)
    seen = string.sub(seen, 1, part) .. 'd' .. string.sub(seen, part + 2)
    redis.call('HSET', reported, ordinal, seen)
    redis.call('PEXPIRE', reported, ttl)
    if string.find(seen, '.', 1, true) then return end
  end
  set_state(w, ordinal, DELIVERED)
  return DELIVERED
end

-- owned tells whether the entry is pending with this consumer, and resets its
-- idle time: a long job is not taken for a forgotten one.
local function owned(lane, group, entry, consumer)
  local pending = redis.call('XPENDING', lane, group, entry, entry, 1, consumer)
  if #pending == 0 then return false end
  -- The count is named: miniredis raises it also with JUSTID, Redis does not.
  redis.call('XCLAIM', lane, group, consumer, 0, entry, 'RETRYCOUNT', pending[1][4], 'JUSTID')
  return true
end

-- settle takes the entry out of the lane for good.
local function settle(lane, group, entry)
  redis.call('XACK', lane, group, entry)
  redis.call('XDEL', lane, entry)
end
