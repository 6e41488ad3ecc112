-- finish: settles recipients. What was settled before stays as it is. Message
-- ids are indexed, and reports that came before them are applied.
-- KEYS   1 lane, 2 states, 3 tally, 4 reasons, 5 reported parts, 6 posts of the event, then for each message id
--        the alerts with receipts of its provider, its hash of the index and its parking place
-- ARGV   1 group, 2 entry, 3 consumer, 4 last (0|1), 5 ttl of the states in ms, 6 ttl of the index in ms, 7 alert, 8 lowest ordinal, 9 highest ordinal,
--        10 revision, 11 url of a public post or '', 12 which sending again it is or 0, 13 number of results, 14 number of hashes of the index,
--        15 the channel's own warning, '' for nothing new, '-' to take one away, then for each result:
--        ordinal, state, latency in ms or '', bucket, reason, number of message ids, id and url of a public post or '', its language (of no post: the one
--        whose earlier posts were changed),
--        this channel where the second provider has it, or '', and what stands for each message id
-- Output {1 recorded | 0 recorded, but the job is another one's, delivered by early reports, failed by them}
local mine = owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
local ttl, at, key, delivered, failed = ARGV[5], 16, 7, 0, 0
local resent, again = redis.call('HEXISTS', KEYS[3], 'again') == 1, tonumber(ARGV[12])
redis.call('PERSIST', KEYS[3])
local opened = {}
local w = open_window(KEYS[2], tonumber(ARGV[8]), tonumber(ARGV[9]))
for _ = 1, tonumber(ARGV[13]) do
  local ordinal, to, ms, bucket, reason, ids = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5])
  local post, language, channel = ARGV[at + 6], ARGV[at + 7], ARGV[at + 8]
  at = at + 9
  local now = state_of(w, ordinal)
  -- Of a recipient that another job sends again by now, only a yes counts.
  local mute = to ~= ACCEPTED and owner_of(KEYS[4], ordinal, resent) ~= again
  if not mute and (now == QUEUED or is_trying(now) or (now == UNCERTAIN and to ~= UNCERTAIN)) then
    set_state(w, ordinal, to)
    if to == UNCERTAIN then keep_trail(KEYS[3], KEYS[4], ordinal, now) end
    if to == ACCEPTED and channel ~= '' then redis.call('HINCRBY', KEYS[3], 'seconds', 1) end
    if reason ~= '' then
      because(KEYS[4], ordinal, reason)
      redis.call('PEXPIRE', KEYS[4], ttl)
    elseif now == UNCERTAIN then
      redis.call('HDEL', KEYS[4], ordinal)
    end
    if reason ~= '' and (to == FAILED or to == UNCERTAIN) then redis.call('HSET', KEYS[3], 'err', reason) end
    if ms ~= '' then
      local first, last = redis.call('HGET', KEYS[3], 'first'), redis.call('HGET', KEYS[3], 'last')
      if not first or tonumber(ms) < tonumber(first) then redis.call('HSET', KEYS[3], 'first', ms) end
      if not last or tonumber(ms) > tonumber(last) then redis.call('HSET', KEYS[3], 'last', ms) end
      redis.call('HINCRBY', KEYS[3], 'b' .. bucket, 1)
    end
  end
  if post ~= '' then
    redis.call('HSET', KEYS[6], language .. ' ' .. ARGV[10], post)
  elseif language ~= '' and tonumber(redis.call('HGET', KEYS[6], 'amended: ' .. language) or 0) < tonumber(ARGV[10]) then
    redis.call('HSET', KEYS[6], 'amended: ' .. language, ARGV[10])
  end
  for part = 0, ids - 1 do
    local more = ''
    if again > 0 or channel ~= '' then more = ' ' .. again end
    if channel ~= '' then more = more .. ' ' .. channel end
    if not opened[KEYS[key]] then
      opened[KEYS[key]] = true
      open_receipts(KEYS[key], channel == '' and ARGV[7] or ARGV[7] .. ':' .. channel, ARGV[14], tonumber(ARGV[6]))
    end
    keep_receipt(KEYS[key + 1], ARGV[at], ARGV[6], ordinal, part, ids, more)
    at = at + 1
    local parked = redis.call('GET', KEYS[key + 2])
    if parked then
      local state, why = string.match(parked, '^(%a+) ?(.*)$')
      local moved = apply_report(w, KEYS[3], KEYS[4], KEYS[5], ttl, ordinal, part, ids, state, why, again)
      if moved == DELIVERED then delivered = delivered + 1 elseif moved == FAILED then failed = failed + 1 end
      redis.call('DEL', KEYS[key + 2])
    end
    key = key + 3
  end
end
close_window(w, KEYS[3], ttl)
if ARGV[11] ~= '' then redis.call('HSET', KEYS[3], 'url', ARGV[11]) end
if ARGV[15] == '-' then redis.call('HDEL', KEYS[3], 'note') elseif ARGV[15] ~= '' then redis.call('HSET', KEYS[3], 'note', ARGV[15]) end
if mine and ARGV[4] == '1' then settle(KEYS[1], ARGV[1], ARGV[2]) end
return {mine and 1 or 0, delivered, failed}
