-- Counts a swarm. The complete members of more than 2000 are estimated from a sample.
-- KEYS: swarm, swarm-origins, swarm-digest
-- Returns {agents, origins, complete, digest or ''}
local complete = 0
for k = 1, 2 do
  local size = redis.call('HLEN', KEYS[k])
  local sample = redis.call('HRANDFIELD', KEYS[k], 2000, 'WITHVALUES')
  local found = 0
  for i = 2, #sample, 2 do
    if string.find(sample[i], '^%d+:1:') then found = found + 1 end
  end
  if #sample > 0 then complete = complete + math.floor(found * size / (#sample / 2) + 0.5) end
end
return {redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[2]), complete, redis.call('GET', KEYS[3]) or ''}
