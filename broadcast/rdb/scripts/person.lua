-- person: stores a sealed subscriber under its number, if none of its contacts
-- belongs to somebody else by now.
-- KEYS   1 people, then the index keys of the new contacts, then those of old contacts to remove
-- ARGV   1 number, 2 sealed subscriber, 3 how many new contacts
-- Output 0 stored | the number that has one of the contacts
local new = tonumber(ARGV[3])
for i = 2, 1 + new do
  local owner = redis.call('GET', KEYS[i])
  if owner and owner ~= ARGV[1] then return tonumber(owner) end
end
for i = 2 + new, #KEYS do redis.call('DEL', KEYS[i]) end
for i = 2, 1 + new do redis.call('SET', KEYS[i], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 0
