-- pagecall: writes what a round of a call came to: the page, if there is one,
-- and the steps, everything or nothing. Whoever has answered since the round
-- began is halted within the page. The same call again (same nonce) gives the
-- first one's answer.
-- KEYS   1 a key that never exists, 2 call, 3 legs, 4 legs that are due, 5 answers, 6 pages, 7 paged people, 8 calls that are due, 9 acts, 10 act number,
--        11 acts of the call, 12 log, 13 epoch, 14 record of the page, 15 what goes out, then for each channel its tally, its snapshot and its reasons
-- ARGV   1 id of the call, 2 nonce, 3 token, 4 due again in ms or '', 5 ttl of the call's pages in ms, 6 number of legs, 7 number of channels, 8 number of people,
--        9 id of the page or '', 10 act, 11 ttl of the page in ms, 12 channels of the page, 13 time of the page in ms, 14 number of fields of the record,
--        15 people to whom nothing of before is to leave any more, by number with spaces between, 16 what stands before all keys,
--        then for each leg: number, step that was read, leg, due in ms or ''; for each channel: name, recipients, snapshot, failure;
--        for each of the people: number, channel from 1, ordinal; then field, value of the record; then of what goes out
-- Output {1, cursor} | {0} the round is another one's, or a leg is another one
local had = redis.call('HMGET', KEYS[2], 'state', 'token', 'round', 'cursor', 'look')
if not had[1] then return {-1} end
if had[3] == ARGV[2] then return {1, had[4] or ''} end
if had[2] ~= ARGV[3] then return {0} end
local legs, channels, people = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local at = 17
for i = 0, legs - 1 do
  local leg = redis.call('HGET', KEYS[3], ARGV[at + 4 * i])
  if not leg or string.match(leg, '^%d+') ~= ARGV[at + 4 * i + 1] then return {0} end
end
redis.call('PEXPIRE', KEYS[1], 1000)
for who in string.gmatch(ARGV[15], '%d+') do
  halt_pages(ARGV[16], redis.call('HGET', KEYS[7], who), ARGV[5])
end
for i = at, at + 4 * legs - 1, 4 do
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2])
  if ARGV[i + 3] ~= '' and redis.call('HEXISTS', KEYS[5], ARGV[i]) == 0 then redis.call('ZADD', KEYS[4], ARGV[i + 3], ARGV[i])
  else redis.call('ZREM', KEYS[4], ARGV[i]) end
end
at = at + 4 * legs
local cursor = ''
if ARGV[9] ~= '' then
  local names, halted, ttl = {}, {}, ARGV[11]
  for i = 1, channels do
    local tally = KEYS[15 + 3 * i - 2]
    names[i] = ARGV[at]
    redis.call('HSET', tally, 'n', ARGV[at + 1])
    if ARGV[at + 3] ~= '' then redis.call('HSET', tally, 's4', ARGV[at + 1], 'err', ARGV[at + 3]) end
    redis.call('PEXPIRE', tally, ttl)
    if ARGV[at + 2] ~= '' then redis.call('SET', KEYS[15 + 3 * i - 1], ARGV[at + 2], 'PX', ttl) end
    at = at + 4
  end
  local said = tonumber(string.match(ARGV[3], '%.(%d+)$'))
  for i = at, at + 3 * people - 1, 3 do
    local channel, answer = tonumber(ARGV[i + 1]), redis.call('HGET', KEYS[5], ARGV[i])
    if answer and tonumber(string.match(answer, '^%d+')) > said then
      redis.call('HSET', KEYS[15 + 3 * channel], 'h' .. ARGV[i + 2], 1)
      halted[channel] = true
    else
      local line = ARGV[9] .. ' ' .. names[channel] .. ' ' .. ARGV[i + 2] .. ' ' .. ARGV[13] .. '\n'
      redis.call('HSET', KEYS[7], ARGV[i], (redis.call('HGET', KEYS[7], ARGV[i]) or '') .. line)
    end
  end
  at = at + 3 * people
  for channel in pairs(halted) do
    redis.call('HSET', KEYS[15 + 3 * channel - 2], 'halts', 1)
    redis.call('PEXPIRE', KEYS[15 + 3 * channel], ttl)
  end
  redis.call('HSET', KEYS[6], ARGV[9], ARGV[12])
  redis.call('PEXPIRE', KEYS[6], ARGV[5])
  redis.call('PEXPIRE', KEYS[7], ARGV[5])
  -- As publish does: each entry names the one before it.
  local place = redis.call('HMGET', KEYS[13], 'epoch', 'head')
  local epoch = place[1]
  local entry = redis.call('XADD', KEYS[12], '*', 'id', ARGV[9], 'call', ARGV[1], 'after', place[2] or '')
  if not epoch then
    epoch = string.sub(ARGV[2], 1, 8)
    redis.call('HSET', KEYS[13], 'epoch', epoch)
  end
  cursor = epoch .. '-' .. entry
  redis.call('HSET', KEYS[13], 'head', entry)
  local past = at + tonumber(ARGV[14])
  redis.call('HSET', KEYS[14], 'cursor', cursor, unpack(ARGV, at, past - 1))
  redis.call('PEXPIRE', KEYS[14], ttl)
  redis.call('HSET', KEYS[15], unpack(ARGV, past))
  redis.call('PEXPIRE', KEYS[15], ttl)
  append_act(KEYS[9], KEYS[10], KEYS[11], ARGV[10])
end
redis.call('PEXPIRE', KEYS[3], ARGV[5])
redis.call('PEXPIRE', KEYS[4], ARGV[5])
redis.call('HDEL', KEYS[2], 'token', 'look')
redis.call('HSET', KEYS[2], 'round', ARGV[2], 'cursor', cursor)
local due = ''
if had[1] == 'open' then
  due = ARGV[4]
  if due ~= '' then redis.call('HSET', KEYS[2], 'timer', due) else redis.call('HDEL', KEYS[2], 'timer') end
  local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
  if first[2] and (due == '' or tonumber(first[2]) < tonumber(due)) then due = first[2] end
  if had[5] and (due == '' or tonumber(had[5]) < tonumber(due)) then due = had[5] end
end
if due ~= '' then redis.call('ZADD', KEYS[8], due, ARGV[1]) else redis.call('ZREM', KEYS[8], ARGV[1]) end
return {1, cursor}
