-- takecall: gives the call that is due the longest to one node for a time. The
-- token ends with how many answers there were: who answers later, does so since.
-- KEYS   1 calls that are due
-- ARGV   1 now in ms, 2 end of the lease in ms, 3 nonce, 4 what stands before the id in the keys of a call, 5 how many legs
-- Output {id, token, {number, revision, state, call}, {number, due in ms, ...}, {leg, ...}, {number, answer, ...}, {number, presence, ...}}, or nothing.
--        A call whose document is gone is forgotten.
for _ = 1, 100 do
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)
  if #due == 0 then return false end
  local call = ARGV[4] .. due[1]
  local had = redis.call('HMGET', call, 'number', 'rev', 'state', 'j')
  if had[1] then
    local token = ARGV[3] .. '.' .. (redis.call('HGET', call, 'said') or '0')
    redis.call('HSET', call, 'token', token)
    redis.call('HDEL', call, 'look')
    redis.call('ZADD', KEYS[1], ARGV[2], due[1])
    local legs = redis.call('ZRANGEBYSCORE', call .. ':due', '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[5])
    local texts = {}
    for i = 1, #legs, 2 do texts[#texts + 1] = redis.call('HGET', call .. ':legs', legs[i]) or '' end
    return {due[1], token, had, legs, texts, redis.call('HGETALL', call .. ':answers'), redis.call('HGETALL', call .. ':present')}
  end
  redis.call('ZREM', KEYS[1], due[1])
end
return false
