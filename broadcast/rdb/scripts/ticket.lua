-- ticket: reads a ticket and removes it.
-- KEYS   1 ticket, 2 index of its kind, 3 acts, 4 number of acts, 5 acts of staff
-- ARGV   1 digest, 2 act or ""
-- Output document, or nothing
local doc = redis.call('GET', KEYS[1])
if doc then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  if ARGV[2] ~= '' then append_act(KEYS[3], KEYS[4], KEYS[5], ARGV[2]) end
end
return doc
