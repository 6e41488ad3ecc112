-- grow: appends hashes to the ledger's tree, unless another node was faster.
-- KEYS   1 number of leaves, 2.. parts of the tree
-- ARGV   1 number of leaves before, 2 after, then for each part: offset, hashes
-- Output the number of leaves now
local have = tonumber(redis.call('GET', KEYS[1]) or '0')
if have ~= tonumber(ARGV[1]) then return have end
for i = 2, #KEYS do redis.call('SETRANGE', KEYS[i], ARGV[2 * i - 1], ARGV[2 * i]) end
redis.call('SET', KEYS[1], ARGV[2])
return tonumber(ARGV[2])
