-- begin: records the attempt before anything is sent.
-- KEYS   1 lane, 2 states, 3 tally, 4 reasons
-- ARGV   1 group, 2 entry, 3 consumer, 4 ttl of the states in ms, 5 lowest ordinal, 6 highest ordinal, 7 which sending again it is or 0, 8.. ordinals
-- Output for each ordinal 0 send | 1 ask | 2 skip | 3 stop | 4 ask, and never send; {} the job is another one's
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return {} end
local resent, again = redis.call('HEXISTS', KEYS[3], 'again') == 1, tonumber(ARGV[7])
local stop = redis.call('HEXISTS', KEYS[3], 'stop') == 1
local w, turns = open_window(KEYS[2], tonumber(ARGV[5]), tonumber(ARGV[6])), {}
for i = 8, #ARGV do
  local ordinal = tonumber(ARGV[i])
  local s = state_of(w, ordinal)
  if owner_of(KEYS[4], ordinal, resent) ~= again then turns[#turns + 1] = 2 -- another job's
  elseif s == QUEUED then
    if stop then turns[#turns + 1] = 3 else turns[#turns + 1] = 0; set_state(w, ordinal, TRYING) end
  elseif s == TRYING then turns[#turns + 1] = stop and 4 or 1
  else turns[#turns + 1] = 2 end
end
close_window(w, KEYS[3], ARGV[4])
return turns
