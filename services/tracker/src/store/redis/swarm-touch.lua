-- Keeps a swarm for a member that lives but has nothing to announce.
-- KEYS: swarm, swarm-origins, swarm-digest, swarm-zones, swarm-joins, swarm-zone of the member's zone
-- ARGV: peerId, ttlMs
-- Returns {1 a member | 0 not one (any more), digest or ''}
local member = redis.call('HEXISTS', KEYS[1], ARGV[1]) + redis.call('HEXISTS', KEYS[2], ARGV[1])
if member == 0 then return {0, ''} end
for i = 1, 6 do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return {1, redis.call('GET', KEYS[3]) or ''}
