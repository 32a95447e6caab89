-- Changes one membership and gives back members of the swarm.
-- KEYS: swarm, swarm-origins, swarm-digest
-- ARGV: put | drop | read, agent | origin, peerId, member, ttlMs, membersMax, digest or '', sample
-- Returns {1 done | 0 refused, origins as [peer, member, ...], agents as [peer, member, ...], digest or ''}
local list = (ARGV[2] == 'origin') and KEYS[2] or KEYS[1]
local done = 1
if ARGV[1] == 'put' then
  if redis.call('HEXISTS', list, ARGV[3]) == 1 or redis.call('HLEN', list) < tonumber(ARGV[6]) then
    redis.call('HSET', list, ARGV[3], ARGV[4])
    if ARGV[7] ~= '' then redis.call('SET', KEYS[3], ARGV[7]) end
    for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
  else
    done = 0
  end
elseif ARGV[1] == 'drop' then
  redis.call('HDEL', list, ARGV[3])
end

local sample = tonumber(ARGV[8])
if sample == 0 then return {done, {}, {}, ''} end
return {
  done,
  redis.call('HGETALL', KEYS[2]),
  redis.call('HRANDFIELD', KEYS[1], sample, 'WITHVALUES'),
  redis.call('GET', KEYS[3]) or '',
}
