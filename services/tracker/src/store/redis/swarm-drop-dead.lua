-- Drops members whose peer is gone, unless they have announced again since they were read.
-- KEYS: swarm, swarm-origins
-- ARGV: peerId, member, ...
-- Returns how many members are left
for i = 1, #ARGV, 2 do
  for k = 1, 2 do
    if redis.call('HGET', KEYS[k], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[k], ARGV[i]) end
  end
end
return redis.call('HLEN', KEYS[1]) + redis.call('HLEN', KEYS[2])
