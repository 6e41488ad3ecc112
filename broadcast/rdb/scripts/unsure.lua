-- unsure: says of recipients whom a copy of the store shows as not settled that
-- nobody knows: they may have got the message after the copy was taken. What had
-- been stopped before it was sent is suppressed, as its job would have done.
-- The same call again changes nothing.
-- KEYS   1 tally, 2 states, 3 reasons
-- ARGV   1 first ordinal, 2 past the last ordinal, 3 ttl of the states in ms, 4 reason
-- Output how many nobody knows of now
local stop = redis.call('HEXISTS', KEYS[1], 'stop') == 1
local w, changed = open_window(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]) - 1), 0
for ordinal = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  local s = state_of(w, ordinal)
  if s == QUEUED and stop then
    set_state(w, ordinal, SUPPRESSED)
  elseif s == QUEUED or is_trying(s) then
    set_state(w, ordinal, UNCERTAIN)
    keep_trail(KEYS[1], KEYS[3], ordinal, s)
    because(KEYS[3], ordinal, ARGV[4])
    changed = changed + 1
  end
end
close_window(w, KEYS[1], ARGV[3])
if changed > 0 then
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
  redis.call('HSET', KEYS[1], 'err', ARGV[4])
end
redis.call('HDEL', KEYS[1], 'delayed', 'next', 'tries')
return changed
