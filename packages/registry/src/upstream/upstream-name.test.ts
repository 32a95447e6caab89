import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRepositoryName } from '@shoal/core';
import fc from 'fast-check';
import { parseUpstreamName, registryHost, requestedRepository, upstreamRepositoryName } from './upstream-name.ts';

const parse = (name: string) => parseUpstreamName(parseRepositoryName(name));
const requested = (name: string, ns?: string) =>
  requestedRepository(parseRepositoryName(name), ns, (host) => host === 'registry.own.example');

test('a first component that is a host names the upstream', () => {
  assert.deepEqual(parse('quay.io/team/app'), { host: 'quay.io', repository: 'team/app' });
  assert.deepEqual(parse('localhost/app'), { host: 'localhost', repository: 'app' });
  assert.deepEqual(parse('localhost_5000/app'), { host: 'localhost:5000', repository: 'app' });
  assert.deepEqual(parse('127.0.0.1_5000/a/b'), { host: '127.0.0.1:5000', repository: 'a/b' });
  for (const own of ['team/app', 'app', 'docker.io', 'my_app/x', 'a_b_5000/x', 'x_123456/y'])
    assert.equal(parse(own), undefined, own);
});

test('a registry has one name, whatever a client writes: rules for it cannot be got around', () => {
  assert.deepEqual(parse('quay.io_443/team/app'), { host: 'quay.io', repository: 'team/app' });
  assert.equal(requested('quay.io_443/team/app'), 'quay.io/team/app');
  assert.equal(requested('alpine', 'Index.Docker.IO:443'), 'docker.io/library/alpine');
  assert.equal(registryHost('127.1:0443'), '127.0.0.1');
  for (const none of ['quay.io:99999', '1.2.3.999', '1.2.3.4.5', 'a.0x1g.7777777777777'])
    assert.equal(registryHost(none), undefined, none);
});

test('docker.io has several names and a default namespace', () => {
  for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
    assert.deepEqual(parse(`${host}/alpine`), { host: 'docker.io', repository: 'library/alpine' });
    assert.deepEqual(parse(`${host}/team/app`), { host: 'docker.io', repository: 'team/app' });
    assert.equal(requested('alpine', host), 'docker.io/library/alpine');
  }
  assert.equal(requested('docker.io/alpine'), 'docker.io/library/alpine');
  assert.equal(requested('quay.io/alpine'), 'quay.io/alpine');
});

test('ns is kept: another registry of the same repository name is another repository', () => {
  assert.equal(requested('team/app'), 'team/app');
  assert.equal(requested('team/app', 'quay.io'), 'quay.io/team/app');
  assert.equal(requested('team/app', 'Quay.IO'), 'quay.io/team/app');
  assert.equal(requested('team/app', 'reg.example.com:5000'), 'reg.example.com_5000/team/app');
  assert.equal(requested('team/app', 'registry.own.example'), 'team/app');
  assert.equal(requested('quay.io/team/app', 'quay.io'), 'quay.io/team/app', 'override_path puts it into the path too');
  assert.equal(requested('quay.io/team/app', 'ghcr.io'), 'ghcr.io/quay.io/team/app');
});

test('a path that begins with a name of the own registry means its repository, but not where the name is that of one', () => {
  assert.equal(requested('registry.own.example/team/app'), 'team/app');
  assert.equal(requested('registry.own.example/app', 'registry.own.example'), 'app');
  assert.equal(requested('registry.own.example/team/app', 'quay.io'), 'quay.io/registry.own.example/team/app');
  const pushed = parseRepositoryName('quay.io/team/app');
  const all = () => true;
  assert.equal(
    requestedRepository(pushed, undefined, all, () => false),
    pushed,
  );
  assert.equal(
    requestedRepository(pushed, 'any.example', all, () => false),
    pushed,
  );
});

test('an ns that is no host, or makes the name too long, is refused', () => {
  for (const ns of ['', '[::1]:5000', 'a b', '../x', 'x/y', 'host:port', `${'a'.repeat(254)}.io`])
    assert.throws(() => requested('team/app', ns), { code: 'NAME_UNKNOWN' }, ns);
  assert.throws(() => requested('a'.repeat(250), 'quay.io'), { code: 'NAME_INVALID' });
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,4})?$/);
const host = fc
  .tuple(fc.array(label, { minLength: 2, maxLength: 4 }), fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([labels, port]) => `${labels.join('.')}${port === null ? '' : `:${port}`}`);
const repository = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){1,2}$/);

test('host and repository survive the way through a repository name', () => {
  fc.assert(
    fc.property(host, repository, (from, name) => {
      assert.deepEqual(parseUpstreamName(upstreamRepositoryName({ host: from, repository: name })), {
        host: registryHost(from),
        repository: name,
      });
    }),
  );
});
