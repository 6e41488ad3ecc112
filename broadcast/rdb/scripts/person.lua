-- person: stores sealed subscribers under their numbers, each only if nobody
-- changed it since it was read and none of its contacts belongs to somebody
-- else. A sealed value begins with 13 bytes that no other one has: they tell
-- whether it is the one that was read, or the one that this call has stored
-- already.
-- KEYS   1 people, 2 changes, 3 acts, 4 number of acts, 5 acts of people; then for each person its new index keys and the old ones to remove
-- ARGV   1 how many people, 2 act or ''; then for each person: number, beginning of what was read or '', sealed subscriber, how many new keys, how many old keys
-- Output for each person: 0 stored | -1 changed meanwhile | the number that has one of its contacts
local out, changed = {}, {}
local key, arg = 6, 3
for i = 1, tonumber(ARGV[1]) do
  local number, read, box = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local old = key + tonumber(ARGV[arg + 3])
  local next = old + tonumber(ARGV[arg + 4])
  local had = redis.call('HGET', KEYS[1], number)
  local mark = had and string.sub(had, 1, 13) or ''
  local verdict = 0
  if mark ~= string.sub(box, 1, 13) then
    if mark ~= read then verdict = -1 end
    for j = key, old - 1 do
      local owner = verdict == 0 and redis.call('GET', KEYS[j])
      if owner and owner ~= number and redis.call('HEXISTS', KEYS[1], owner) == 1 then verdict = tonumber(owner) end
    end
    if verdict == 0 then
      for j = old, next - 1 do redis.call('DEL', KEYS[j]) end
      for j = key, old - 1 do redis.call('SET', KEYS[j], number) end
      redis.call('HSET', KEYS[1], number, box)
      changed[#changed + 1] = number
    end
  end
  out[i] = verdict
  key, arg = next, arg + 5
end
if #changed > 0 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'n', table.concat(changed, ' '))
  if ARGV[2] ~= '' then append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[2]) end
end
return out
