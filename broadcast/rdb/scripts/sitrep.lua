-- sitrep: stores a situation report or withdraws one, everything or nothing, with
-- the act and an entry of the log. The same call again writes nothing.
-- KEYS   1 event, 2 reports of the event, 3 log, 4 epoch, 5 acts, 6 act number, 7 acts of the event, 8 photo of the new report or a key that never
--        exists, 9 photo of the one that is withdrawn or a key that never exists, 10 a key that never exists,
--        11 events that have reports
-- ARGV   1 nonce, 2 id of the new report or '', 3 report, 4 id of the one that is withdrawn or '', 5 withdrawal, 6 act, 7 revision that must be the
--        newest or '', 8 most reports, 9 ttl of the photo in ms, or '' where there is none
-- Output {1, cursor} written | {2} done before | {0} no such event or report | {-1} another revision was published | {-2} withdrawn before |
--        {-3} too many | {-4} the photo is not there
if redis.call('EXISTS', KEYS[1]) == 0 then return {0} end
local new, old = ARGV[2], ARGV[4]
if new ~= '' and redis.call('HEXISTS', KEYS[2], 'r:' .. new) == 1 then return {2} end
if old ~= '' then
  if redis.call('HEXISTS', KEYS[2], 'r:' .. old) == 0 then return {0} end
  if redis.call('HEXISTS', KEYS[2], 'w:' .. old) == 1 then return {new == '' and 2 or -2} end
end
if ARGV[7] ~= '' and redis.call('HGET', KEYS[1], 'head') ~= ARGV[7] then return {-1} end
if new ~= '' and tonumber(redis.call('HGET', KEYS[2], 'n') or 0) >= tonumber(ARGV[8]) then return {-3} end
if ARGV[9] ~= '' and redis.call('HEXISTS', KEYS[8], 'b') == 0 then return {-4} end
redis.call('PEXPIRE', KEYS[10], 1000)

if new ~= '' then
  local n = redis.call('HINCRBY', KEYS[2], 'n', 1)
  redis.call('HSET', KEYS[2], 'r:' .. new, ARGV[3], 'o:' .. n, new)
  redis.call('SADD', KEYS[11], string.match(KEYS[1], ':event:(.*)$'))
end
if ARGV[9] ~= '' then
  redis.call('HINCRBY', KEYS[8], 'n', 1)
  if redis.call('PTTL', KEYS[8]) < tonumber(ARGV[9]) then redis.call('PEXPIRE', KEYS[8], ARGV[9]) end
end
if old ~= '' then
  redis.call('HSET', KEYS[2], 'w:' .. old, ARGV[5])
  if redis.call('EXISTS', KEYS[9]) == 1 and redis.call('HINCRBY', KEYS[9], 'n', -1) <= 0 then redis.call('DEL', KEYS[9]) end
end
local place = redis.call('HMGET', KEYS[4], 'epoch', 'head')
local epoch = place[1]
local entry = redis.call('XADD', KEYS[3], '*', 'event', string.match(KEYS[1], ':event:(.*)$'), 'sitrep', new ~= '' and new or old, 'after', place[2] or '')
if not epoch then -- the store was emptied a moment ago
  epoch = string.sub(ARGV[1], 1, 8)
  redis.call('HSET', KEYS[4], 'epoch', epoch)
end
redis.call('HSET', KEYS[4], 'head', entry)
append_act(KEYS[5], KEYS[6], KEYS[7], ARGV[6])
return {1, epoch .. '-' .. entry}
