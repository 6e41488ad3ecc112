-- forgetcalled: removes a person from some calls. Once it was asked for all of
-- them, the wish itself is forgotten.
-- KEYS   1 people to forget, 2 calls that are due, 3 people whom calls name
-- ARGV   1 number, 2 what stands before all keys, 3 ttl of the marks in ms, 4 these are the last calls (0|1), 5.. ids of calls
-- Output 1
for i = 5, #ARGV do
  local call = ARGV[2] .. 'call:' .. ARGV[i]
  halt_pages(ARGV[2], redis.call('HGET', call .. ':paged', ARGV[1]), ARGV[3])
  local had = redis.call('HDEL', call .. ':legs', ARGV[1]) + redis.call('HDEL', call .. ':answers', ARGV[1])
  redis.call('ZREM', call .. ':due', ARGV[1])
  redis.call('HDEL', call .. ':paged', ARGV[1])
  redis.call('HDEL', call .. ':present', ARGV[1])
  redis.call('HDEL', call, 'u' .. ARGV[1])
  for _, field in ipairs(redis.call('HKEYS', call .. ':messages')) do
    if string.match(field, '^%d+:(%d+)$') == ARGV[1] then redis.call('HDEL', call .. ':messages', field) end
  end
  if had > 0 and redis.call('HGET', call, 'state') == 'open' then look_at(call, KEYS[2], ARGV[i], '0') end
end
if ARGV[4] == '1' then
  redis.call('SREM', KEYS[1], ARGV[1])
  redis.call('SREM', KEYS[3], ARGV[1])
end
return 1
