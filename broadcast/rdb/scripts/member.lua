-- member: writes a member of staff, and takes the ticket that allows it.
-- KEYS   1 members, 2 revisions, 3 logins, 4 login of each, 5 ticket or a key
--        that never exists, 6 index of tickets, 7 acts, 8 number of acts, 9 acts of staff
-- ARGV   1 id, 2 revision that was read, 3 nonce of this call, 4 document,
--        5 login's digest, 6 ticket's digest or "", 7 "1": only while there is
--        nobody, 8 act or ""
-- Output new revision; -1 stale, -2 no ticket, -3 the login is another's
local kept = redis.call('HGET', KEYS[2], ARGV[1])
local revision, call = 0, ''
if kept then
  local n, c = string.match(kept, '^(%d+) (.*)$')
  revision, call = tonumber(n), c
end
if call == ARGV[3] then return revision end
if revision ~= tonumber(ARGV[2]) then return -1 end
if ARGV[6] ~= '' and redis.call('EXISTS', KEYS[5]) == 0 then return -2 end
if ARGV[7] == '1' and redis.call('HLEN', KEYS[1]) > 0 then return -2 end
local owner = redis.call('HGET', KEYS[3], ARGV[5])
if owner and owner ~= ARGV[1] then return -3 end
local before = redis.call('HGET', KEYS[4], ARGV[1])
if before and before ~= ARGV[5] then redis.call('HDEL', KEYS[3], before) end
redis.call('HSET', KEYS[3], ARGV[5], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[5])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
revision = revision + 1
redis.call('HSET', KEYS[2], ARGV[1], string.format('%d', revision) .. ' ' .. ARGV[3])
if ARGV[6] ~= '' then
  redis.call('DEL', KEYS[5])
  redis.call('ZREM', KEYS[6], ARGV[6])
end
if ARGV[8] ~= '' then append_act(KEYS[7], KEYS[8], KEYS[9], ARGV[8]) end
return revision
