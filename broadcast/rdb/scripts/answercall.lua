-- answercall: keeps what a volunteer said, and stops their pages. The same call
-- again (same nonce) changes nothing more.
-- KEYS   1 a key that never exists, 2 call, 3 legs, 4 legs that are due, 5 answers, 6 paged people, 7 calls that are due, 8 acts, 9 act number, 10 acts of the call,
--        11 erased people
-- ARGV   1 id, 2 number of the volunteer, 3 nonce, 4 nonce of the answer that was read or '', 5 answer, 6 act, 7 time in ms, 8 ttl of the marks in ms,
--        9 what stands before all keys
-- Output {1, pages that are on their way} | {0} another answer came meanwhile | {-1} no such call, or not called | {-2} the call is over
local state = redis.call('HGET', KEYS[2], 'state')
if not state then return {-1} end
local had = redis.call('HGET', KEYS[5], ARGV[2])
local nonce = had and string.match(had, '^%d+ (%x+) ') or ''
local again = nonce == ARGV[3]
if not again then
  if state ~= 'open' then return {-2} end
  if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 or redis.call('HEXISTS', KEYS[11], ARGV[2]) == 1 then return {-1} end
  if nonce ~= ARGV[4] then return {0} end
  redis.call('PEXPIRE', KEYS[1], 1000)
  local said = redis.call('HINCRBY', KEYS[2], 'said', 1)
  redis.call('HSET', KEYS[5], ARGV[2], said .. ' ' .. ARGV[3] .. ' ' .. ARGV[5])
  redis.call('ZREM', KEYS[4], ARGV[2])
  append_act(KEYS[8], KEYS[9], KEYS[10], ARGV[6])
  look_at(KEYS[2], KEYS[7], ARGV[1], ARGV[7])
end
local leaving = halt_pages(ARGV[9], redis.call('HGET', KEYS[6], ARGV[2]), ARGV[8])
if leaving > tonumber(redis.call('HGET', KEYS[2], 'u' .. ARGV[2]) or 0) then redis.call('HSET', KEYS[2], 'u' .. ARGV[2], leaving) end
return {1, leaving}
