-- bury: moves a job to the dead letters. What was never tried becomes failed,
-- what was tried without an answer stays uncertain.
-- KEYS   1 lane, 2 dead letters, 3 states, 4 tally, 5 reasons
-- ARGV   1 group, 2 entry, 3 consumer, 4 job, 5 alert, 6 reason, 7 how often it was handed out, 8 ttl of the states in ms, 9 first ordinal, 10 past the last ordinal, 11 which sending again it is or 0
-- Output {1, failed, uncertain} | {} the job is another one's
if not owned(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return {} end
settle(KEYS[1], ARGV[1], ARGV[2])
local resent, again = redis.call('HEXISTS', KEYS[4], 'again') == 1, tonumber(ARGV[11])
local failed, doubt, from, to = {}, {}, tonumber(ARGV[9]), tonumber(ARGV[10])
while from < to do
  local past = math.min(to, from + 2000)
  local w = open_window(KEYS[3], from, past - 1)
  for ordinal = from, past - 1 do
    local s = state_of(w, ordinal)
    if (s == QUEUED or is_trying(s)) and owner_of(KEYS[5], ordinal, resent) ~= again then s = -1 end -- another job's
    if s == QUEUED then
      set_state(w, ordinal, FAILED)
      failed[#failed + 1] = ordinal
      because(KEYS[5], ordinal, ARGV[6])
    elseif is_trying(s) then
      set_state(w, ordinal, UNCERTAIN)
      keep_trail(KEYS[4], KEYS[5], ordinal, s)
      doubt[#doubt + 1] = ordinal
      because(KEYS[5], ordinal, ARGV[6])
    end
  end
  close_window(w, KEYS[4], ARGV[8])
  from = past
end
redis.call('PEXPIRE', KEYS[5], ARGV[8])
redis.call('HSET', KEYS[4], 'err', ARGV[6])
redis.call('XADD', KEYS[2], '*', 'j', ARGV[4], 'alert', ARGV[5], 'src', ARGV[2], 'err', ARGV[6], 'deliveries', ARGV[7], 'failed', table.concat(failed, ','), 'doubt', table.concat(doubt, ','))
return {1, #failed, #doubt}
