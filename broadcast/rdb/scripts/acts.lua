-- Shared: appends one act. The entry's id is its number: 1-0, 2-0, ... without
-- a gap; the index of the event holds the numbers.
local function append_act(acts, seq, index, json)
  local n = redis.call('INCR', seq)
  redis.call('XADD', acts, n .. '-0', 'j', json)
  redis.call('RPUSH', index, n)
  return n
end
