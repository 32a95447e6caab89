-- Renews a peer that is known under this incarnation.
-- KEYS: peer, peer-swarms
-- ARGV: incarnation, ttlMs, nowMs, refreshMs
-- Returns {1 known | 0 unknown | -1 superseded, memberships kept or refused, 1 when its swarms are due to be renewed}
local stored = tonumber(redis.call('HGET', KEYS[1], 'incarnation'))
if not stored or stored < tonumber(ARGV[1]) then return {0, 0, 0} end
if stored > tonumber(ARGV[1]) then return {-1, 0, 0} end

redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])

local refreshed = tonumber(redis.call('HGET', KEYS[1], 'refreshedMs'))
local due = 0
if not refreshed then
  redis.call('HSET', KEYS[1], 'refreshedMs', ARGV[3])
elseif tonumber(ARGV[3]) - refreshed >= tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'refreshedMs', ARGV[3])
  due = 1
end
local refused = tonumber(redis.call('HGET', KEYS[1], 'refused') or 0)
return {1, redis.call('SCARD', KEYS[2]) + refused, due}
