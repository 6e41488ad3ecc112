-- changecall: changes a call as it was read. What ends an open one stops all of
-- it: nothing is due, and no page leaves any more but by one more round. The same
-- call again (same nonce) gives the first one's answer.
-- KEYS   1 a key that never exists, 2 call, 3 legs, 4 legs that are due, 5 answers, 6 pages, 7 paged people, 8 open calls, 9 calls that are due,
--        10 acts, 11 act number, 12 acts of the call, 13 erased people, 14 people whom calls name
-- ARGV   1 id, 2 call, 3 act or '', 4 ttl of the legs in ms, 5 time in ms, 6 nonce, 7 revision that was read, 8 new state, 9 what stands before all keys,
--        then for each leg: number, leg, due in ms or ''
-- Output 1 changed | 0 another was faster | -1 no such call | -2 it is over
local had = redis.call('HMGET', KEYS[2], 'rev', 'state', 'nonce')
if not had[1] then return -1 end
if had[3] == ARGV[6] then return 1 end
if had[1] ~= ARGV[7] then return 0 end
if had[2] ~= 'open' and (ARGV[8] == 'open' or #ARGV > 9) then return -2 end
redis.call('PEXPIRE', KEYS[1], 1000)
redis.call('HSET', KEYS[2], 'rev', tonumber(had[1]) + 1, 'state', ARGV[8], 'nonce', ARGV[6], 'j', ARGV[2])
if ARGV[3] ~= '' then append_act(KEYS[10], KEYS[11], KEYS[12], ARGV[3]) end
if ARGV[8] == 'open' then
  add_legs(KEYS[3], KEYS[4], KEYS[5], KEYS[13], KEYS[14], 10, ARGV[4])
  redis.call('PEXPIRE', KEYS[6], ARGV[4])
  redis.call('PEXPIRE', KEYS[7], ARGV[4])
  look_at(KEYS[2], KEYS[9], ARGV[1], ARGV[5])
elseif had[2] == 'open' then
  redis.call('DEL', KEYS[4])
  redis.call('HDEL', KEYS[2], 'token', 'timer', 'look')
  redis.call('ZREM', KEYS[8], ARGV[1])
  redis.call('ZADD', KEYS[9], ARGV[5], ARGV[1])
  local pages = redis.call('HGETALL', KEYS[6])
  for i = 1, #pages, 2 do
    for channel in string.gmatch(pages[i + 1], '%S+') do
      local tally = ARGV[9] .. 'tally:' .. pages[i] .. ':' .. channel
      redis.call('HSET', tally, 'stop', ARGV[1])
      redis.call('PEXPIRE', tally, ARGV[4])
    end
  end
end
return 1
