-- Renews a peer and the list of the swarms it is kept in.
-- KEYS: peer, peer-swarms
-- ARGV: incarnation, self (JSON), ttlMs, swarmsMax, number of swarms joined, the swarms joined..., the swarms left...
-- Returns {1 known | 0 unknown or replaced | -1 superseded, for each joined swarm 1 kept | 0 refused}
local incarnation = tonumber(ARGV[1])
local stored = tonumber(redis.call('HGET', KEYS[1], 'incarnation'))
if stored and stored > incarnation then return {-1, {}} end

local known = (stored == incarnation) and 1 or 0
if known == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end

local kept, refused = {}, 0
local joined = tonumber(ARGV[5])
local size = redis.call('SCARD', KEYS[2])
for i = 1, joined do
  local swarm = ARGV[5 + i]
  if redis.call('SISMEMBER', KEYS[2], swarm) == 1 then
    kept[i] = 1
  elseif size < tonumber(ARGV[4]) then
    redis.call('SADD', KEYS[2], swarm)
    size = size + 1
    kept[i] = 1
  else
    kept[i] = 0
    refused = refused + 1
  end
end
for i = 6 + joined, #ARGV do redis.call('SREM', KEYS[2], ARGV[i]) end

redis.call('HSET', KEYS[1], 'incarnation', ARGV[1], 'self', ARGV[2])
if refused > 0 then redis.call('HINCRBY', KEYS[1], 'refused', refused) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {known, kept}
