-- turn: takes the turn at what one node at a time does, keeps it, or gives it back.
-- KEYS   1 turn
-- ARGV   1 node, 2 for how long in ms; 0 gives it back
-- Output 1: this node has it, or had it; 0: another one does
local has = redis.call('GET', KEYS[1])
if has and has ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
