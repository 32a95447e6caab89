import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { suite, test } from 'node:test';
import { clientTls, loadConfig } from '@shoal/service';
import { Tracker, trackerConfig } from '@shoal/tracker';
import { Agent as HttpPool, request } from 'undici';
import { FakeUpstream } from '../../../test/support/upstream/fake-upstream.ts';
import { pemFile, type TestCertificate } from '../../../test/support/tls/certificates.ts';
import { OriginProcesses } from './testing/origin-ring.ts';
import { digestOfBytes, eventually, pullImage, pushBlob, World } from './testing/world.ts';

const filesOf = (name: TestCertificate): { certFile: string; keyFile: string; caFile: string } => ({
  certFile: pemFile(name),
  keyFile: pemFile(`${name}-key`),
  caFile: pemFile('ca'),
});
const pieces = (name: TestCertificate): object => ({ port: 0, tls: filesOf(name) });
const cluster = { secret: 'a-secret-of-some-length' };

suite('piece connections over TLS', () => {
  test('pieces come from the origin and from peers', async () => {
    await using world = await World.start({ cluster, pieces: pieces('member') });
    const bytes = randomBytes(6_000_000);
    const digest = await pushBlob(world.origin, 'team/app', bytes);
    const first = await world.agent('first', { pieces: pieces('member') });
    assert.equal(digestOfBytes(await first.blob('team/app', digest)), digest);
    const second = await world.agent('second', { pieces: pieces('other-member') });
    assert.equal(digestOfBytes(await second.blob('team/app', digest)), digest);
    assert.ok((await first.received('origin')) > 0 && (await second.received('peer')) > 0);
  });

  for (const [name, section] of [
    ['without TLS', { port: 0 }],
    ['with a certificate of another authority', pieces('stranger')],
  ] as const) {
    test(`an agent ${name} gets no piece`, async () => {
      await using world = await World.start({ cluster, pieces: pieces('member') });
      const bytes = randomBytes(3_000_000);
      const digest = await pushBlob(world.origin, 'team/app', bytes);
      const agent = await world.agent('alone', { pieces: section });
      assert.equal(digestOfBytes(await agent.blob('team/app', digest)), digest);
      assert.equal(await agent.received('origin'), 0);
      assert.ok((await agent.received('http')) >= bytes.length, 'it came over HTTP, by the cluster secret');
    });
  }

  test('a certificate that cannot be used stops the start, with its key', async () => {
    await using world = await World.start({ cluster });
    const tls = { ...filesOf('member'), keyFile: pemFile('stranger-key') };
    await assert.rejects(world.agent('broken', { pieces: { port: 0, tls } }), /^TlsFileError: pieces\.tls\.keyFile: /);
  });
});

suite('origins and trackers over HTTPS with an authority of their own, which ask for certificates', () => {
  const trust = { trust: filesOf('member') };

  test('a ring of origins shares its work, and agents pull from them and use the tracker', async () => {
    await using parts = new AsyncDisposableStack();
    const fake = parts.use(await FakeUpstream.start({ auth: 'bearer' }));
    const world = parts.use(await World.start());
    const registries = [{ host: 'up.example.com:5000', url: fake.url, insecure: true }];
    const told = { upstreams: { registries } };
    const origins = parts.use(await OriginProcesses.start(3, world.folder, told, filesOf('member')));
    const tracker = parts.use(await httpsTracker());
    const trackers = [`https://127.0.0.1:${tracker.addresses.api.port}`];
    const deadlines = { originMs: 10_000, upstreamMs: 30_000, firstByteMs: 60_000 };
    const agents = await Promise.all(
      ['a', 'b'].map((name) => world.agent(name, { origins: origins.urls, trackers, deadlines, ...trust } as never)),
    );
    const image = fake.addImage('team/app', '1', [900_000, 200_000]);
    const name = 'up.example.com_5000/team/app';
    const digests = await Promise.all(agents.map((agent) => pullImage(agent, name, '1')));
    assert.deepEqual(digests, [image.digest, image.digest]);
    assert.equal(fake.asked('GET', '/manifests/'), 1, 'the origins reached each other');
    const peers = async (): Promise<number> => {
      const url = `http://127.0.0.1:${tracker.addresses.admin.port}/metrics`;
      return Number(/^shoal_tracker_peers(?:{[^}]*})? (\d+)$/m.exec(await (await fetch(url)).text())?.[1]);
    };
    await eventually(async () => (await peers()) === 2, 10_000);
  });

  test('who shows no certificate, or trusts the wrong authority, is not served', async () => {
    await using tracker = await httpsTracker();
    const url = `https://127.0.0.1:${tracker.addresses.api.port}/shoal/v1/heartbeat`;
    for (const [connect, code] of [
      [clientTls('trust', { caFile: pemFile('ca') }), /CERTIFICATE_REQUIRED|ECONNRESET|UND_ERR_SOCKET/],
      [clientTls('trust', { ...filesOf('member'), caFile: pemFile('stranger-ca') }), /UNABLE_TO_VERIFY|SELF_SIGNED/],
    ] as const) {
      const dispatcher = new HttpPool({ connect });
      await assert.rejects(request(url, { dispatcher }), (error: NodeJS.ErrnoException) => {
        assert.match(error.code ?? '', code);
        return true;
      });
      await dispatcher.destroy();
    }
  });
});

const httpsTracker = (): Promise<Tracker> => {
  const anyPort = { port: 0 };
  const values = { admin: anyPort, debug: anyPort, ui: anyPort, log: { level: 'silent' } };
  return Tracker.start(loadConfig(trackerConfig, { values: { ...values, api: { port: 0, tls: filesOf('member') } } }));
};
