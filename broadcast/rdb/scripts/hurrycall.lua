-- hurrycall: has legs of an open call tried now instead of later: those that wait
-- for the step that was read, and are not held by quiet hours. Whoever has the
-- call in hand keeps it, and finds them due afterwards.
-- KEYS   1 call, 2 legs, 3 legs that are due, 4 calls that are due
-- ARGV   1 id, 2 time in ms, then number and step of each
-- Output how many
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
local moved = 0
for i = 3, #ARGV, 2 do
  local leg, due = redis.call('HGET', KEYS[2], ARGV[i]), redis.call('ZSCORE', KEYS[3], ARGV[i])
  if leg and due and tonumber(due) > tonumber(ARGV[2]) and string.match(leg, '^%d+') == ARGV[i + 1] and not string.find(leg, '~', 1, true) then
    redis.call('ZADD', KEYS[3], ARGV[2], ARGV[i])
    moved = moved + 1
  end
end
if moved > 0 and redis.call('HEXISTS', KEYS[1], 'token') == 0 then redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1]) end
return moved
