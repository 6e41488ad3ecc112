-- replay: puts one dead letter back into its lane. Exactly those recipients
-- that its burial ended are open again: the failed ones return to queued, the
-- uncertain ones to trying, so that the platform is asked for them.
-- KEYS   1 dead letters, 2 lane, 3 states, 4 tally, 5 reasons
-- ARGV   1 entry, 2 job, 3 ttl of the states in ms, 4 first ordinal, 5 past the last ordinal, 6 which sending again it is or 0, 7 number of failed ones, 8.. ordinals, failed ones first
-- Output 1 moved | 0 somebody was faster
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
local open = {}
local resent, again = redis.call('HEXISTS', KEYS[4], 'again') == 1, tonumber(ARGV[6])
for i = 8, #ARGV do open[tonumber(ARGV[i])] = i - 7 <= tonumber(ARGV[7]) and FAILED or UNCERTAIN end
local from, to = tonumber(ARGV[4]), tonumber(ARGV[5])
while from < to do
  local past = math.min(to, from + 2000)
  local w = open_window(KEYS[3], from, past - 1)
  for ordinal = from, past - 1 do
    if open[ordinal] and state_of(w, ordinal) == open[ordinal] and owner_of(KEYS[5], ordinal, resent) == again then
      set_state(w, ordinal, open[ordinal] == FAILED and QUEUED or TRYING)
      redis.call('HDEL', KEYS[5], ordinal)
    end
  end
  close_window(w, KEYS[4], ARGV[3])
  from = past
end
redis.call('XADD', KEYS[2], '*', 'j', ARGV[2])
return 1
