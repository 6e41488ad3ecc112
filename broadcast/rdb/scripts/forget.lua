-- forget: removes a dead consumer that has nothing pending; a bare DELCONSUMER
-- would drop what it holds.
-- KEYS   1 stream
-- ARGV   1 group, 2 consumer
-- Output 1 removed | 0 it still holds entries
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
