-- head: keeps the newest signed head of the ledger, never an older one.
-- KEYS   1 head
-- ARGV   1 size, 2 signed at, s, 3 note
-- Output the note that is kept now
local kept = redis.call('HMGET', KEYS[1], 'size', 'at', 'note')
local size, at = tonumber(kept[1] or '-1'), tonumber(kept[2] or '0')
if size > tonumber(ARGV[1]) or (size == tonumber(ARGV[1]) and at >= tonumber(ARGV[2])) then return kept[3] end
redis.call('HSET', KEYS[1], 'size', ARGV[1], 'at', ARGV[2], 'note', ARGV[3])
return ARGV[3]
