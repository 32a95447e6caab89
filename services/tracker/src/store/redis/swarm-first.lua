-- Those who joined first in each of some zones, in that order.
-- KEYS: swarm, swarm-zone...
-- ARGV: members of a zone at most
-- Returns for each zone [peer, member or '', ...]
local zones = {}
for k = 2, #KEYS do
  local first = {}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[k], 0, ARGV[1] - 1)) do
    first[#first + 1] = id
    first[#first + 1] = redis.call('HGET', KEYS[1], id) or ''
  end
  zones[k - 1] = first
end
return zones
