import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, describeConfig, loadConfig } from '@shoal/service';
import { agentConfig } from './config.ts';

test('the defaults are those of the port table, on loopback', () => {
  const config = loadConfig(agentConfig);
  assert.deepEqual([config.registry.host, config.registry.port], ['127.0.0.1', 7020]);
  assert.deepEqual([config.pieces.port, config.admin.port, config.debug.port], [7021, 7022, 7023]);
  assert.equal(config.deadlines.firstByteMs, 10_000);
  assert.deepEqual(config.origins, ['http://127.0.0.1:7000']);
});

test('an upstream that pauses is asked for the rest before the body of the client ends for it', () => {
  const { upstreams, deadlines } = loadConfig(agentConfig);
  assert.ok(upstreams.stallMs + upstreams.answerMs < deadlines.stallMs);
});

test('a mistake is named by key, value and what is allowed', () => {
  const refused = (values: unknown, pattern: RegExp) =>
    assert.throws(
      () => loadConfig(agentConfig, { values }),
      (error: Error) => error instanceof ConfigError && pattern.test(error.message),
    );
  refused({ cache: { lowWater: 0.9, highWater: 0.5 } }, /cache\.lowWater.*0\.9.*at most cache\.highWater \(0\.5\)/s);
  refused({ pieces: { host: '0.0.0.0' } }, /pieces\.host.*cluster\.secret/s);
  const secured = (pieces: object) => ({ cluster: { secret: 'a secret of some length' }, pieces });
  refused(secured({ host: '0.0.0.0' }), /pieces\.advertise: is missing.*pieces\.host is 0\.0\.0\.0/s);
  refused(secured({ advertise: '[::]:7021' }), /pieces\.advertise: "::" is not allowed/);
  loadConfig(agentConfig, { values: secured({ host: '0.0.0.0', advertise: 'node-1.example:7021' }) });
  refused({ origins: ['http://user:hidden@o'] }, /^(?!.*hidden).*origins\[0\]: .*without a user and password/s);
  refused({ origins: [] }, /origins/);
  refused({ cach: {} }, /cach/);
  const verified = (access: object, registry: object = {}) => ({ access: { mode: 'verify', ...access }, registry });
  const quay = { host: 'quay.io' };
  refused(verified({ registries: [{ host: 'no host' }] }), /access\.registries\[0\]\.host.*no host/s);
  refused(
    verified({ registries: [quay, { host: 'QUAY.io:443' }] }),
    /access\.registries\[1\]\.host.*each registry once/s,
  );
  refused(verified({ registries: [{ ...quay, url: 'http://q' }] }), /access\.registries\[0\]\.url.*https/s);
  refused(verified({ keptMs: '1m', staleMs: '10s' }), /access\.staleMs.*at least access\.keptMs/s);
  const mirrors = [{ upstream: 'docker.io', port: 1 }];
  refused(verified({ registries: [quay] }, { mirrors }), /registry\.mirrors\[0\]\.upstream.*access\.registries/s);
  loadConfig(agentConfig, { values: verified({ registries: [{ host: 'index.docker.io' }] }, { mirrors }) });
  refused({ trust: { keys: [{ keyId: 'x', publicKey: 'y' }] } }, /trust\.keys/);
});

test('the environment stands over the file, and every key is described', () => {
  const config = loadConfig(agentConfig, {
    env: { SHOAL_AGENT_CACHE_QUOTA_BYTES: '1GiB', SHOAL_AGENT_ORIGINS: 'http://o1:1,http://o2:2' },
  });
  assert.equal(config.cache.quotaBytes, 2 ** 30);
  assert.deepEqual(config.origins, ['http://o1:1', 'http://o2:2']);
  assert.doesNotMatch(describeConfig(agentConfig), /\| *undefined *\|/);
});
