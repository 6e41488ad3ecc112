-- park: finds the recipient by a message id, and keeps a report whose id is not
-- known yet. A failed or delivered one that waits is not replaced.
-- KEYS   1 alerts with receipts, 2 parking place, 3 index as earlier versions kept it, then of each alert the hash that would have the id
-- ARGV   1 version of the alerts with receipts, 2 what stands for the id, 3 report or '' where it is not to be kept, 4 ttl in ms, then each hash's alert
-- Output {what the index says, or ''} | {} there are other alerts with receipts
for i = 4, #KEYS do
  local found = redis.call('HGET', KEYS[i], ARGV[2])
  if found then
    if not string.find(found, ' ', 1, true) then found = found .. ' 0 1' end
    return {ARGV[i + 1] .. ' ' .. found}
  end
end
if (redis.call('HGET', KEYS[1], 'v') or '') ~= ARGV[1] then return {} end
local known = redis.call('GET', KEYS[3])
if known then return {known} end
if ARGV[3] ~= '' then
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4], 'NX')
end
return {''}
