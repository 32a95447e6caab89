import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, loadConfig } from '@shoal/service';
import { trackerConfig, usesRedis } from './config.ts';

const secret = 'a secret of the test cluster';
const load = (values: object) => loadConfig(trackerConfig, { values });
const refuses = (values: object, message: RegExp): void =>
  assert.throws(
    () => load(values),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    },
  );

describe('tracker configuration', () => {
  it('is complete without a file: memory, on loopback', () => {
    const config = load({});
    assert.equal(usesRedis(config), false);
    assert.deepEqual(
      [config.api, config.admin.port, config.debug.port],
      [{ host: '127.0.0.1', port: 7010 }, 7012, 7013],
    );
  });

  it('takes one kind of Redis', () => {
    assert.ok(usesRedis(load({ redis: { url: 'redis://r:6379' }, replicas: 3 })));
    assert.ok(usesRedis(load({ redis: { sentinels: ['s:26379'], sentinelMaster: 'm' } })));
    assert.ok(usesRedis(load({ redis: { clusterNodes: ['c:6379'] } })));
    refuses({ redis: { url: 'redis://r', clusterNodes: ['c:6379'] } }, /redis\.clusterNodes: .*redis\.url is set too/);
  });

  it('refuses several trackers that keep peers in memory', () => {
    refuses(
      { replicas: 2 },
      /replicas: 2 is not allowed; allowed is 1 as long as the peers are kept in memory.*redis\.url/,
    );
  });

  it('refuses sentinels without the name of the server', () => {
    refuses({ redis: { sentinels: ['s:26379'] } }, /redis\.sentinelMaster: is missing/);
  });

  it('refuses a lifetime that one lost heartbeat ends', () => {
    refuses(
      { heartbeat: { intervalMs: '10s', ttlMs: '15s' } },
      /heartbeat\.ttlMs: 15000 is not allowed; allowed is at least twice/,
    );
  });

  it('listens beyond loopback only with a secret', () => {
    refuses({ api: { host: '0.0.0.0' } }, /api\.host: "0\.0\.0\.0" is not allowed.*cluster\.secret/);
    load({ api: { host: '0.0.0.0' }, cluster: { secret } });
  });

  it('prints no password of Redis', () => {
    refuses(
      { redis: { url: 'http://user:hush@r' } },
      /redis\.url: the value \(not shown\) is not allowed; allowed is a URL with redis:\/\/ or rediss:\/\//,
    );
  });
});
