-- takeover: claims entries of a consumer that is dead, or of whomever has left
-- them idle too long.
-- KEYS   1 stream
-- ARGV   1 group, 2 consumer or '' for all, 3 me, 4 least idle time in ms, 5 how many, 6.. entries that I have in hand
-- Output {entries found, {entry, ...}, {times handed out, ...}}; fewer entries than found: deleted while pending
local busy, ids, times = {}, {}, {}
for i = 6, #ARGV do busy[ARGV[i]] = true end
local pending
if ARGV[2] == '' then
  pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], '-', '+', ARGV[5])
else
  pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], '-', '+', ARGV[5], ARGV[2])
end
for _, e in ipairs(pending) do
  if not (e[2] == ARGV[3] and busy[e[1]]) then
    ids[#ids + 1] = e[1]
    times[e[1]] = e[4] + 1
  end
end
if #ids == 0 then return {0, {}, {}} end
local got, taken = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], ARGV[4], unpack(ids)), {}
for i, e in ipairs(got) do if e then taken[i] = times[e[1]] or 1 end end
return {#ids, got, taken}
