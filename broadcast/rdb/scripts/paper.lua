-- paper: writes a revision of a paper, or drops it.
-- KEYS   1 papers of the kind, 2 past of the paper
-- ARGV   1 id, 2 revision that was read, 3 nonce of this call, 4 document or ""
--        to drop, 5 at most so many papers, 6 at most so many past revisions
-- Output new revision, 0 dropped; -1 stale, -2 too many
-- A kept value is "revision nonce document".
local kept = redis.call('HGET', KEYS[1], ARGV[1])
local revision, call = 0, ''
if kept then
  local n, c = string.match(kept, '^(%d+) (%S+) ')
  revision, call = tonumber(n), c
end
if ARGV[4] == '' then
  if not kept then return 0 end
  if revision ~= tonumber(ARGV[2]) then return -1 end
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
  return 0
end
if call == ARGV[3] then return revision end
if revision ~= tonumber(ARGV[2]) then return -1 end
if not kept and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return -2 end
revision = revision + 1
local value = string.format('%d', revision) .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], value)
redis.call('LPUSH', KEYS[2], value)
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[6]))
return revision
