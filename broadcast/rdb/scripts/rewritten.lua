-- rewritten: crosses out that a rewriting of the append-only file is due, once
-- one that was asked for has ended well; who was erased since keeps it due.
-- KEYS   1 what is due
-- ARGV   1 what was due when it was asked for
-- Output 1 nothing is due any more | 0 another one is
if redis.call('HGET', KEYS[1], 'asked') == ARGV[1] then redis.call('HDEL', KEYS[1], 'asked', 'run') end
if redis.call('HGET', KEYS[1], 'due') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
