-- ticket: reads a ticket and removes it.
-- KEYS   1 ticket, 2 index of its kind
-- ARGV   1 digest
-- Output document, or nothing
local doc = redis.call('GET', KEYS[1])
if doc then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return doc
