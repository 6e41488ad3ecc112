-- Shared: calls to volunteers. Keys of a call and of its pages are made from
-- what stands before all keys of the authority, since only the stored call knows
-- its pages. A leg is "step wave begun-ms kind kind ..."; when it is due stands in
-- the call's sorted set alone. What was paged to a person is one line for each page:
-- "record channel ordinal ms".

-- halt_pages stops what has not left to a person, and counts what is leaving.
local function halt_pages(tag, lines, ttl)
  local leaving = 0
  for record, channel, ordinal in string.gmatch(lines or '', '(%S+) (%S+) (%d+) %d+\n') do
    local of = record .. ':' .. channel
    redis.call('HSET', tag .. 'why:' .. of, 'h' .. ordinal, 1)
    redis.call('PEXPIRE', tag .. 'why:' .. of, ttl)
    redis.call('HSET', tag .. 'tally:' .. of, 'halts', 1)
    redis.call('PEXPIRE', tag .. 'tally:' .. of, ttl)
    local o = tonumber(ordinal)
    if is_trying(state_of(open_window(tag .. 'state:' .. of, o, o), o)) then leaving = leaving + 1 end
  end
  return leaving
end

-- add_legs keeps legs of people who have none and were not erased; those who
-- have answered are not due. items begin at ARGV[at]: number, leg, due in ms or ''.
local function add_legs(legs, due, answers, erased, named, at, ttl)
  for i = at, #ARGV, 3 do
    if redis.call('HEXISTS', erased, ARGV[i]) == 0 and redis.call('HSETNX', legs, ARGV[i], ARGV[i + 1]) == 1 then
      redis.call('SADD', named, ARGV[i])
      if ARGV[i + 2] ~= '' and redis.call('HEXISTS', answers, ARGV[i]) == 0 then redis.call('ZADD', due, ARGV[i + 2], ARGV[i]) end
    end
  end
  redis.call('PEXPIRE', legs, ttl)
  redis.call('PEXPIRE', due, ttl)
end

-- look_at makes a call due at once: now, or when whoever has it in hand puts it
-- back.
local function look_at(call, due, id, ms)
  if redis.call('HEXISTS', call, 'token') == 1 then
    redis.call('HSET', call, 'look', ms)
    return
  end
  local at = redis.call('ZSCORE', due, id)
  if not at or tonumber(at) > tonumber(ms) then redis.call('ZADD', due, ms, id) end
end
