-- begin: records the attempt before anything is sent.
-- KEYS   1 lane, 2 states, 3 tally, 4 reasons
-- ARGV   1 group, 2 entry, 3 consumer, 4 ttl of the states in ms, 5 lowest ordinal, 6 highest ordinal, 7 which sending again it is or 0,
--        8 second provider or '', 9 over it (0|1), 10.. ordinals
-- Output for each ordinal 0 send | 1 ask | 2 skip | 3 stop | 4 ask, and never send | 5 this one is halted | 6 this one is halted: ask, and never send; with 1, 4 and 6 as well, as broadcast.NewTurn has it, 8 * the trail,
--        64 a person asked for it again, 128 the second provider was another one; {} the job is another one's
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return {} end
local resent, again = redis.call('HEXISTS', KEYS[3], 'again') == 1, tonumber(ARGV[7])
local stop = redis.call('HEXISTS', KEYS[3], 'stop') == 1
local over, trails = ARGV[9] == '1', redis.call('HEXISTS', KEYS[3], 'trails') == 1
local foreign = second_provider(KEYS[3], ARGV[8], over)
local halts = redis.call('HEXISTS', KEYS[3], 'halts') == 1
local w, turns = open_window(KEYS[2], tonumber(ARGV[5]), tonumber(ARGV[6])), {}
for i = 10, #ARGV do
  local ordinal = tonumber(ARGV[i])
  local s = state_of(w, ordinal)
  local halted = halts and redis.call('HEXISTS', KEYS[4], 'h' .. ordinal) == 1
  if owner_of(KEYS[4], ordinal, resent) ~= again then turns[#turns + 1] = 2 -- another job's
  elseif s == QUEUED then
    if stop then turns[#turns + 1] = 3
    elseif halted then turns[#turns + 1] = 5
    else
      turns[#turns + 1] = 0
      set_state(w, ordinal, over and BY_SECOND or TRYING)
      if trails then redis.call('HDEL', KEYS[4], 'd' .. ordinal) end
    end
  elseif is_trying(s) then
    local turn = stop and 4 or halted and 6 or 1
    local kept = trails and s == TRYING and redis.call('HGET', KEYS[4], 'd' .. ordinal)
    if kept then s = tonumber(kept); turn = turn + 64 end
    if s > SUPPRESSED then turn = turn + 8 * (s - SUPPRESSED) + (foreign and 128 or 0) end
    turns[#turns + 1] = turn
  else turns[#turns + 1] = 2 end
end
close_window(w, KEYS[3], ARGV[4])
return turns
