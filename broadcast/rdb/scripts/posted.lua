-- posted: a person says that they posted what a channel made ready to copy. What
-- was ticked before stays as it is.
-- KEYS   1 tally, 2 states, 3 acts, 4 act number, 5 acts of the event, 6 record
-- ARGV   1 ttl of the states in ms, 2 act, 3 who, when and where, 4 lowest ordinal, 5 highest ordinal, 6.. ordinals
-- Output {posted now, ticked before, not ready} | {} another revision took its place here
local state = redis.call('HGET', KEYS[6], 'state')
if redis.call('HEXISTS', KEYS[1], 'stop') == 1 or (state ~= 'issued' and state ~= 'lapsed') then return {} end
local new, before, missing = 0, 0, 0
local w = open_window(KEYS[2], tonumber(ARGV[4]), tonumber(ARGV[5]))
for i = 6, #ARGV do
  local now = state_of(w, tonumber(ARGV[i]))
  if now == ACCEPTED then
    set_state(w, tonumber(ARGV[i]), DELIVERED)
    redis.call('HSET', KEYS[1], 'posted:' .. ARGV[i], ARGV[3])
    new = new + 1
  elseif now == DELIVERED then before = before + 1
  else missing = missing + 1 end
end
if new > 0 then
  redis.call('PERSIST', KEYS[1])
  close_window(w, KEYS[1], ARGV[1])
  if redis.call('HGET', KEYS[1], 's' .. DELIVERED) == redis.call('HGET', KEYS[1], 'n') then redis.call('HDEL', KEYS[1], 'note') end
  append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[2])
end
return {new, before, missing}
