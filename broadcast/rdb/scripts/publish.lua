-- publish: makes a submitted record public, everything or nothing. The same
-- call again (same nonce) gives the first one's answer.
-- KEYS   1 record, 2 event, 3 log, 4 epoch, 5 acts, 6 act number, 7 acts of the event, 8 what goes out, 9 earlier record, 10 a key that never exists,
--        11 what is watched, 12 what waits,
--        then the tallies of earlier revisions to stop, then for each channel its tally and its snapshot
-- ARGV   1 nonce, 2 urgent (0|1), 3 content, 4 approved, 5 id of the earlier revision or '', 6 record, 7 act, 8 id, 9 new state of the earlier one,
--        10 ttl of snapshots in ms, 11 number of tallies to stop, 12 number of channels,
--        13 time in ms if it is watched, else '', 14 time until which what is watched is forgotten,
--        then for each channel: recipients, snapshot or '', failure or '', then field, value of what goes out
-- Output {1, cursor, act number} | {0} state, content or digest differ | {-1} another revision was published | {-2} no such record
local h = redis.call('HMGET', KEYS[1], 'state', 'content', 'approved', 'nonce', 'cursor', 'act')
if not h[1] then return {-2} end
if h[4] == ARGV[1] then return {1, h[5], tonumber(h[6])} end
if h[1] ~= 'submitted' or h[2] ~= ARGV[3] or h[3] ~= ARGV[4] then return {0} end
if (redis.call('HGET', KEYS[2], 'head') or '') ~= ARGV[5] then return {-1} end
if ARGV[2] == '1' then redis.call('PEXPIRE', KEYS[10], 1000) end

local stops, channels, at = tonumber(ARGV[11]), tonumber(ARGV[12]), 15
for i = 1, stops do redis.call('HSET', KEYS[12 + i], 'stop', ARGV[8]) end
for i = 1, channels do
  local tally, snapshot = KEYS[12 + stops + 2 * i - 1], KEYS[12 + stops + 2 * i]
  redis.call('HSET', tally, 'n', ARGV[at])
  if ARGV[at + 1] ~= '' then redis.call('SET', snapshot, ARGV[at + 1], 'PX', ARGV[10]) end
  if ARGV[at + 2] ~= '' then redis.call('HSET', tally, 's4', ARGV[at], 'err', ARGV[at + 2]) end
  at = at + 3
end
redis.call('HSET', KEYS[8], unpack(ARGV, at))

-- Each entry names the one before it: who has read another one knows that the
-- log has lost something.
local place = redis.call('HMGET', KEYS[4], 'epoch', 'head')
local epoch = place[1]
local entry = redis.call('XADD', KEYS[3], '*', 'id', ARGV[8], 'after', place[2] or '')
if not epoch then -- the store was emptied a moment ago
  epoch = string.sub(ARGV[1], 1, 8)
  redis.call('HSET', KEYS[4], 'epoch', epoch)
end
local cursor = epoch .. '-' .. entry
redis.call('HSET', KEYS[4], 'head', entry)
local n = append_act(KEYS[5], KEYS[6], KEYS[7], ARGV[7])
redis.call('HSET', KEYS[1], 'state', 'issued', 'j', ARGV[6], 'cursor', cursor, 'nonce', ARGV[1], 'act', n)
redis.call('HSET', KEYS[2], 'head', ARGV[8])
redis.call('ZREM', KEYS[12], ARGV[8])
if ARGV[13] ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[11], '-inf', '(' .. ARGV[14])
  redis.call('ZADD', KEYS[11], ARGV[13], ARGV[8])
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[9], 'state', ARGV[9], 'closed', ARGV[8]) end
return {1, cursor, n}
