-- touch: resets the idle time of entries that a node still works on, as far
-- as they are its own.
-- KEYS   1 stream
-- ARGV   1 group, 2 consumer, 3.. entries
-- Output how many were its own
local mine = 0
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    mine = mine + 1
  end
end
return mine
