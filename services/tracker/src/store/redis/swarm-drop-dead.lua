-- Drops members whose peer is gone, unless they have announced again since they were read.
-- KEYS: swarm, swarm-origins, swarm-zones, and for each member the swarm-zone that it was read from
-- ARGV: peerId, member, zone, ...
-- Returns how many members are left
for i = 1, #ARGV, 3 do
  local peer, zone, zoneKey = ARGV[i], ARGV[i + 2], KEYS[3 + (i + 2) / 3]
  for k = 1, 2 do
    if redis.call('HGET', KEYS[k], peer) == ARGV[i + 1] then redis.call('HDEL', KEYS[k], peer) end
  end
  local member = redis.call('HGET', KEYS[1], peer)
  if not member or string.match(member, '^%d+:%d:%d+:(.*)$') ~= zone then
    redis.call('ZREM', zoneKey, peer)
    if redis.call('EXISTS', zoneKey) == 0 then redis.call('SREM', KEYS[3], zone) end
  end
end
return redis.call('HLEN', KEYS[1]) + redis.call('HLEN', KEYS[2])
