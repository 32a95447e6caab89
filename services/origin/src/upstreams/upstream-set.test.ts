import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRepositoryName, parseTag } from '@shoal/core';
import { createMetrics, silentLog } from '@shoal/service';
import { originMetrics } from '../metrics.ts';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { temporaryFolder, testConfig } from '../testing/test-origin.ts';
import { UpstreamEvents } from './upstream-events.ts';
import { UpstreamSet } from '@shoal/upstreams';

const setOf = (upstreams: object, metrics = createMetrics(originMetrics)): UpstreamSet =>
  new UpstreamSet({
    config: testConfig('/nowhere', { upstreams }).upstreams,
    events: new UpstreamEvents(metrics, silentLog()),
    clock: () => performance.now(),
  });

const covered = (upstreams: object, hosts: string[]): string[] => {
  const set = setOf(upstreams);
  return hosts.filter((host) => set.covers(host));
};

test('hosts: one, all below a domain, or all', () => {
  const asked = ['quay.io', 'a.example.com', 'a.b.example.com:5000', 'example.com', 'badexample.com', 'docker.io'];
  assert.deepEqual(covered({}, asked), []);
  assert.deepEqual(covered({ hosts: ['quay.io'] }, asked), ['quay.io']);
  assert.deepEqual(covered({ hosts: ['*.example.com'] }, asked), ['a.example.com', 'a.b.example.com:5000']);
  assert.deepEqual(covered({ hosts: ['registry-1.docker.io'] }, asked), ['docker.io']);
  assert.deepEqual(covered({ hosts: ['*'] }, asked), asked);
  assert.deepEqual(covered({ registries: [{ host: 'quay.io' }] }, asked), ['quay.io']);
});

test('a repository without a host is never an upstream, whatever hosts are allowed', () => {
  const set = setOf({ hosts: ['*'] });
  assert.equal(set.find(parseRepositoryName('team/app')), undefined);
  assert.equal(set.owns(parseRepositoryName('team/app')), false);
  assert.equal(set.find(parseRepositoryName('quay.io/team/app'))?.label, 'other');
});

test('a password of the configuration goes to the registry, never to its mirror; a docker config has each its own', async () => {
  const user = { name: 'alice', password: 'of the registry' };
  await using mirror = await FakeUpstream.start({ auth: 'basic', user: { name: 'bob', password: 'of the mirror' } });
  await using main = await FakeUpstream.start({ auth: 'basic', user });
  await using folder = await temporaryFolder();
  main.addImage('team/app', '1', [1]);
  mirror.addImage('team/app', '1', [1]);
  const entry = { host: 'up.example.com', url: main.url, mirrors: [mirror.url], insecure: true };
  const pull = async (upstreams: object): Promise<void> => {
    await using set = setOf(upstreams);
    const from = set.find(parseRepositoryName('up.example.com/team/app'));
    assert.ok(from);
    await from.upstream.manifest(from.repository, { kind: 'tag', tag: parseTag('1') });
  };
  await pull({ registries: [{ ...entry, username: user.name, password: user.password }] });
  assert.ok(mirror.log.every(({ authorization }) => authorization === undefined));
  assert.equal(main.asked('GET', 'manifests'), 1);

  const dockerConfigFile = join(folder.path, 'config.json');
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  const auths = { [mirror.host]: auth('bob:of the mirror'), 'up.example.com': auth('alice:of the registry') };
  await writeFile(dockerConfigFile, JSON.stringify({ auths }));
  await pull({ registries: [entry], dockerConfigFile });
  assert.equal(mirror.asked('GET', 'manifests'), 1, 'the mirror was enough');
  await pull({ registries: [{ ...entry, mirrors: [] }], dockerConfigFile });
  assert.equal(main.asked('GET', 'manifests'), 2, 'by the name of the registry, which is not the host of its address');
});

test('the series of a configured registry start at zero, so that its first failure is an increase', async () => {
  const metrics = createMetrics(originMetrics);
  setOf({ registries: [{ host: 'quay.io' }] }, metrics);
  const text = await metrics.registry.metrics();
  assert.match(text, /^shoal_origin_upstream_failures_total\{upstream="quay\.io",reason="limited"\} 0$/m);
  assert.match(text, /^shoal_origin_upstream_received_bytes_total\{upstream="quay\.io"\} 0$/m);
});
