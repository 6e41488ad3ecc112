-- undead: takes a dead letter away once none of its recipients waits for an
-- answer: each was settled otherwise or is sent again by another job.
-- KEYS   1 dead letters, 2 states, 3 tally, 4 reasons
-- ARGV   1 entry, 2 which sending again it was or 0, 3.. ordinals that its burial ended
-- Output 1 taken away | 0 it stays
local resent, again = redis.call('HEXISTS', KEYS[3], 'again') == 1, tonumber(ARGV[2])
for i = 3, #ARGV do
  local ordinal = tonumber(ARGV[i])
  local s = state_of(open_window(KEYS[2], ordinal, ordinal), ordinal)
  if (s == FAILED or s == UNCERTAIN) and owner_of(KEYS[4], ordinal, resent) == again then return 0 end
end
return redis.call('XDEL', KEYS[1], ARGV[1])
