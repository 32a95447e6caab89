-- Gives, renews or, with 0 ms, takes back the lease of a digest.
-- KEYS: lease
-- ARGV: peerId, address, holdMs
-- Returns the peer id of the holder and its address in one string
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 40) ~= ARGV[1] then return held end

if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
end
return ARGV[1] .. ARGV[2]
