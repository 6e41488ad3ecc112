-- resend: opens the recipients of one window that failed, and where asked those
-- of whom nobody knows, and puts jobs for them into the lane. Each job owns what
-- it opened, so that no older job sends to it. The same request again changes
-- nothing and gives the same answer.
-- KEYS   1 tally, 2 states, 3 reasons, 4 reported parts, 5 lane, 6 requests, 7 acts, 8 act number, 9 acts of the event, 10 record
-- ARGV   1 request, 2 first ordinal, 3 past the last ordinal, 4 recipients of a job, 5 uncertain ones too (0|1), 6 ttl of the states in ms, 7 act,
--        8 job with places for number, first and past the last ordinal, which sending again, key and whether doubles are accepted
-- Output {past the last ordinal done, failed, uncertain} in all so far | {} the alert is over here
local from, to, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local done, failed, doubt = from, 0, 0
local before = redis.call('HGET', KEYS[6], ARGV[1])
if before then
  done, failed, doubt = string.match(before, '^(%d+) (%d+) (%d+)$')
  done, failed, doubt = tonumber(done), tonumber(failed), tonumber(doubt)
  if done > from then return {done, failed, doubt} end
end
if redis.call('HEXISTS', KEYS[1], 'stop') == 1 or redis.call('HGET', KEYS[10], 'state') ~= 'issued' then return {} end
redis.call('PERSIST', KEYS[5])

local jobs, changed = {}, 0
local function open(w, lo, hi, state)
  -- One job for each key: what failed begins with a new one, what nobody knows
  -- of is asked for by the one that it was sent with.
  local parts, order = {}, {}
  for ordinal = lo, hi - 1 do
    if state_of(w, ordinal) == state then
      local _, key = owner_of(KEYS[3], ordinal, state == UNCERTAIN)
      local part = parts[key]
      if state == FAILED then part = parts[-1] end
      if not part then
        part = {redis.call('HINCRBY', KEYS[1], 'again', 1), key, ordinal}
        if state == FAILED then part[2] = part[1]; parts[-1] = part else parts[key] = part end
        order[#order + 1] = part
      end
      part[4] = ordinal + 1
      set_state(w, ordinal, state == FAILED and QUEUED or TRYING)
      redis.call('HDEL', KEYS[3], ordinal)
      redis.call('HDEL', KEYS[4], ordinal)
      redis.call('HSET', KEYS[3], 'g' .. ordinal, part[1] .. ' ' .. part[2])
      changed = changed + 1
      if state == FAILED then failed = failed + 1 else doubt = doubt + 1 end
    end
  end
  for _, p in ipairs(order) do
    jobs[#jobs + 1] = string.format(ARGV[8], math.floor(lo / most), p[3], p[4], p[1], p[2], state == UNCERTAIN and 'true' or 'false')
  end
end
while from < to do
  local past = math.min(to, from + 8 * most)
  local w = open_window(KEYS[2], from, past - 1)
  for lo = from, past - 1, most do
    open(w, lo, math.min(past, lo + most), FAILED)
    if ARGV[5] == '1' then open(w, lo, math.min(past, lo + most), UNCERTAIN) end
  end
  close_window(w, KEYS[1], ARGV[6])
  from = past
end
for _, job in ipairs(jobs) do redis.call('XADD', KEYS[5], '*', 'j', job) end
if changed > 0 then
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
  if failed + doubt == changed then append_act(KEYS[7], KEYS[8], KEYS[9], ARGV[7]) end -- the first window that has any
end
redis.call('HSET', KEYS[6], ARGV[1], to .. ' ' .. failed .. ' ' .. doubt)
redis.call('PEXPIRE', KEYS[6], ARGV[6])
return {to, failed, doubt}
