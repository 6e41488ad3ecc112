-- retry: gives a job back for later. Recipients whose last message was surely
-- not taken return to what they were before it, queued or in doubt; the others
-- keep their state and will be asked for.
-- KEYS   1 lane, 2 delayed jobs, 3 states, 4 tally
-- ARGV   1 group, 2 entry, 3 consumer, 4 delay in ms, 5 member for the delayed jobs, 6 reason, 7 ttl of the states in ms, 8 lowest ordinal, 9 highest ordinal, 10 attempts of the job, 11.. ordinals
-- Output 1 scheduled | 0 the job is another one's
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
settle(KEYS[1], ARGV[1], ARGV[2])
if #ARGV > 10 then
  local w = open_window(KEYS[3], tonumber(ARGV[8]), tonumber(ARGV[9]))
  for i = 11, #ARGV do
    local before = BEFORE[state_of(w, tonumber(ARGV[i]))]
    if before then set_state(w, tonumber(ARGV[i]), before) end
  end
  close_window(w, KEYS[4], ARGV[7])
end
local t = redis.call('TIME')
local due = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[4]
redis.call('ZADD', KEYS[2], string.format('%.0f', due), ARGV[5])
redis.call('HINCRBY', KEYS[4], 'delayed', 1)
redis.call('HSET', KEYS[4], 'next', string.format('%.0f', due), 'tries', ARGV[10])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[4], 'err', ARGV[6]) end
return 1
