-- Changes one membership and gives back members of the swarm: agents of the peer's zone, where there are several zones.
-- KEYS: swarm, swarm-origins, swarm-digest, swarm-zones, swarm-joins, swarm-zone of the peer's zone
-- ARGV: put | drop | read, agent | origin, peerId, member, ttlMs, membersMax, digest or '', sample, zone, zonesMax
-- For one who is no member peerId is '': then the agents are those of all zones.
-- Returns {1 done | 0 refused, origins as [peer, member, ...], agents as [peer, member, ...], digest or '',
--   zones: none when there is one only, place of the peer in its zone or -1}
local list = (ARGV[2] == 'origin') and KEYS[2] or KEYS[1]
local peer, zone = ARGV[3], ARGV[9]
local done = 1

local function leaveZone()
  redis.call('ZREM', KEYS[6], peer)
  if redis.call('EXISTS', KEYS[6]) == 0 then redis.call('SREM', KEYS[4], zone) end
end

if ARGV[1] == 'put' then
  if redis.call('HEXISTS', list, peer) == 1 or redis.call('HLEN', list) < tonumber(ARGV[6]) then
    redis.call('HSET', list, peer, ARGV[4])
    if ARGV[7] ~= '' then redis.call('SET', KEYS[3], ARGV[7]) end
    if ARGV[2] == 'agent' then
      if not redis.call('ZSCORE', KEYS[6], peer) then
        redis.call('ZADD', KEYS[6], redis.call('INCR', KEYS[5]), peer)
      end
      redis.call('SADD', KEYS[4], zone)
    end
    for i = 1, 6 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
  else
    done = 0
  end
elseif ARGV[1] == 'drop' then
  redis.call('HDEL', list, peer)
  if ARGV[2] == 'agent' then leaveZone() end
end

local sample = tonumber(ARGV[8])
if sample == 0 then return {done, {}, {}, '', {}, -1} end
local origins = redis.call('HGETALL', KEYS[2])
local digest = redis.call('GET', KEYS[3]) or ''
if peer == '' or redis.call('SCARD', KEYS[4]) < 2 then
  return {done, origins, redis.call('HRANDFIELD', KEYS[1], sample, 'WITHVALUES'), digest, {}, -1}
end

local agents = {}
for _, id in ipairs(redis.call('ZRANDMEMBER', KEYS[6], sample)) do
  agents[#agents + 1] = id
  agents[#agents + 1] = redis.call('HGET', KEYS[1], id) or ''
end
return {
  done,
  origins,
  agents,
  digest,
  redis.call('SRANDMEMBER', KEYS[4], ARGV[10]),
  redis.call('ZRANK', KEYS[6], peer) or -1,
}
