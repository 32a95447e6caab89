import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '@shoal/core';
import fc from 'fast-check';
import { Tracker } from '../src/service.ts';
import { digestOf, peer, swarmId } from '../src/store/peer-store-conformance.ts';
import { announceOf, testConfig, TrackerClient } from './tracker-client.ts';

const secret = 'a secret of the test cluster';

describe('tracker api', () => {
  let tracker: Tracker;
  let client: TrackerClient;
  before(async () => {
    tracker = await Tracker.start(testConfig({ cluster: { secret }, limits: { requestsPerSecondMax: 100_000 } }));
    client = new TrackerClient(tracker.addresses.api, secret);
  });
  after(() => tracker.stop());

  const url = (path: string): string => `http://${formatAddress(tracker.addresses.api)}${path}`;

  it('hands a peer to the next one, without what is only for the tracker', async () => {
    const first = await client.announce(
      peer(1, { zone: 'z' }),
      announceOf(1, { event: 'complete', have: 10, want: 0 }),
    );
    assert.deepEqual(first, { swarms: [], again: true, intervalMs: 10_000, reportMs: 1000 });
    const second = await client.announce(peer(2), announceOf(1));
    assert.deepEqual(second.swarms, [
      {
        swarm: swarmId(1),
        peers: [{ ...peer(1, { zone: 'z' }), complete: true }],
        gateway: { index: 0, known: 1, places: 10 },
      },
    ]);
    assert.equal((await client.announce(peer(2), announceOf(1))).again, false);
  });

  it('hands out as many as wanted, and every origin beside them', async () => {
    for (let n = 10; n < 40; n++) await client.announce(peer(n), announceOf(2));
    await client.announce(peer(50, { role: 'origin' }), announceOf(2));
    const { swarms } = await client.announce(peer(1), announceOf(2, { want: 10 }));
    assert.equal(swarms[0]?.peers.length, 11);
    assert.equal(swarms[0]?.peers.filter(({ role }) => role === 'origin').length, 1);
  });

  it('does not prefer the complete, and spreads a crowd', async () => {
    for (let n = 100; n < 110; n++)
      await client.announce(peer(n), announceOf(3, { event: 'complete', have: 10, degree: 30, want: 0 }));
    for (let n = 110; n < 130; n++) await client.announce(peer(n), announceOf(3, { degree: 2, want: 0 }));
    const times = new Map<string, number>();
    let ofComplete = 0;
    for (let n = 200; n < 220; n++) {
      const { swarms } = await client.announce(peer(n), announceOf(3, { want: 10 }));
      await client.announce(peer(n), announceOf(3, { event: 'leave' }));
      for (const { peerId, complete } of swarms[0]?.peers ?? []) {
        if (complete) ofComplete++;
        else times.set(peerId, (times.get(peerId) ?? 0) + 1);
      }
    }
    assert.ok(ofComplete < 50, `a third is complete, but has a high degree: ${ofComplete} of 200`);
    assert.equal(times.size, 20);
    const most = Math.max(...times.values());
    assert.ok(most <= 17, `20 handouts of 10 of 20 are at most 10 each on average, the most is ${most}`);
  });

  it('never hands out who has too many neighbours', async () => {
    await client.announce(peer(1), announceOf(4, { degree: 40 }));
    const { swarms } = await client.announce(peer(2), announceOf(4));
    assert.deepEqual(swarms, [{ swarm: swarmId(4), peers: [] }]);
  });

  it('counts no lookup towards a degree, and names who has all its neighbours to them', async () => {
    await client.announce(peer(1), announceOf(13, { degree: 39 }));
    const found = async () =>
      (await client.lookup({ swarm: swarmId(13) })).swarms[0]?.peers.map(({ peerId }) => peerId);
    for (let n = 0; n < 50; n++) assert.deepEqual(await found(), [peer(1).peerId]);
    const joined = async (n: number) => (await client.announce(peer(n), announceOf(13))).swarms[0]?.peers.length;
    assert.equal(await joined(2), 1);
    await client.announce(peer(2), announceOf(13, { event: 'leave' }));
    assert.equal(await joined(3), 0, 'the neighbour to come is counted');
    assert.ok((await found())?.includes(peer(1).peerId));
  });

  it('lets a peer leave at once, and answers a leave with nobody', async () => {
    await client.announce(peer(1), announceOf(5), announceOf(6));
    const left = await client.announce(peer(1), announceOf(5, { event: 'leave' }), announceOf(6, { event: 'leave' }));
    assert.deepEqual(left.swarms, []);
    assert.deepEqual((await client.lookup({ swarm: swarmId(5) })).swarms, []);
  });

  it('finds the swarms of a digest', async () => {
    await client.announce(peer(1), announceOf(7, { digest: digestOf(7) }));
    const { swarms } = await client.lookup({ digest: digestOf(7) });
    assert.equal(swarms[0]?.digest, digestOf(7));
    assert.equal(swarms[0]?.peers[0]?.peerId, peer(1).peerId);
  });

  it('knows a peer after its announce, and replaces it by its next process', async () => {
    assert.equal((await client.heartbeat(peer(300))).known, false);
    await client.announce(peer(300), announceOf(8));
    assert.equal((await client.heartbeat(peer(300), 1)).known, true);
    assert.equal((await client.heartbeat(peer(300), 2)).known, false);
    assert.equal((await client.announce(peer(300, { incarnation: 2 }), announceOf(9))).again, true);
    assert.deepEqual((await client.lookup({ swarm: swarmId(8) })).swarms, []);
    await assert.rejects(client.announce(peer(300), announceOf(8)), /answered 409.*PEER_SUPERSEDED/);
  });

  it('lists the swarms', async () => {
    await client.announce(peer(1), announceOf(11), announceOf(12));
    const page = (await client.get('swarms?limit=1')) as { swarms: unknown[]; next: string };
    assert.equal(page.swarms.length, 1);
    const rest = (await client.get(`swarms?limit=1000&cursor=${page.next}`)) as { swarms: unknown[] };
    assert.ok(rest.swarms.length >= 1);
  });

  const wrong: [
    name: string,
    change: (body: { peer: Record<string, unknown>; swarms: Record<string, unknown>[] }) => void,
    message: RegExp,
  ][] = [
    [
      'an event that is none',
      ({ swarms }) => (swarms[0]!['event'] = 'arrive'),
      /swarms\[0\]\.event: .*arrive.*one of join, progress, complete, leave, starved/,
    ],
    ['a swarm id that is none', ({ swarms }) => (swarms[0]!['swarm'] = 'x'), /swarms\[0\]\.swarm: /],
    ['a missing peer id', ({ peer: self }) => delete self['peerId'], /peer\.peerId: undefined is not allowed/],
    ['too much wanted', ({ swarms }) => (swarms[0]!['want'] = 51), /swarms\[0\]\.want: 51 .*from 0 to 50/],
    ['a negative count', ({ swarms }) => (swarms[0]!['have'] = -1), /swarms\[0\]\.have: -1/],
    ['an address without port', ({ peer: self }) => (self['address'] = '10.0.0.1'), /peer\.address: /],
    ['an address nobody can dial', ({ peer: self }) => (self['address'] = '0.0.0.0:7021'), /peer\.address: .*dial/],
    ['port 0', ({ peer: self }) => (self['address'] = '10.0.0.1:0'), /peer\.address: /],
    ['one swarm twice', ({ swarms }) => swarms.push({ ...swarms[0] }), /swarms\[1\]\.swarm: .*each swarm once/],
    [
      'too many swarms',
      ({ swarms }) => swarms.push(...Array.from({ length: 1000 }, (_, n) => ({ ...announceOf(n) }))),
      /swarms: .*list/,
    ],
  ];
  for (const [name, change, message] of wrong) {
    it(`answers 400 to ${name}, naming the field`, async () => {
      const body = {
        peer: { ...peer(1) } as Record<string, unknown>,
        swarms: [{ ...announceOf(1) } as Record<string, unknown>],
      };
      change(body);
      await assert.rejects(client.post('announce', body), (error: Error) => {
        assert.match(error.message, /answered 400/);
        assert.match(error.message.replaceAll('\\"', '"'), message);
        return true;
      });
    });
  }

  it('answers 400 to a lookup of nothing', async () => {
    await assert.rejects(client.lookup({}), /answered 400.*digest/);
  });

  it('answers 401 without or with another secret, naming what is wrong', async () => {
    const bare = await fetch(url('/shoal/v1/announce'), {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(bare.status, 401);
    assert.match(await bare.text(), /shoal-time is missing/);
    await assert.rejects(
      new TrackerClient(tracker.addresses.api, 'quite another secret').lookup({ swarm: swarmId(1) }),
      /refused our signature/,
    );
    assert.equal((await fetch(url('/shoal/v1/swarms'))).status, 401);
  });

  it('survives any announce', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom('announce', 'heartbeat', 'lookup'), async (body, route) => {
        const error = await client.post(route, body).then(
          () => undefined,
          (reason: Error) => reason,
        );
        assert.match(error?.message ?? '', /answered 400/);
      }),
      { numRuns: 200 },
    );
  });

  it('survives announces with one field replaced by anything', async () => {
    const fields = [
      'peerId',
      'incarnation',
      'address',
      'zone',
      'role',
      'swarm',
      'digest',
      'event',
      'have',
      'pieces',
      'degree',
      'want',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), fc.jsonValue(), async (field, value) => {
        const self: Record<string, unknown> = { ...peer(900) };
        const swarm: Record<string, unknown> = { ...announceOf(900), digest: digestOf(900) };
        (field in self ? self : swarm)[field] = value;
        await client
          .post('announce', { peer: self, swarms: [swarm] })
          .catch((error: Error) => assert.match(error.message, /answered (400|409)/));
      }),
      { numRuns: 200 },
    );
  });
});

describe('tracker limits', { timeout: 60_000 }, () => {
  it('answers 413 to a body that is too long, and 400 to one that is no JSON', async () => {
    await using tracker = await Tracker.start(testConfig({ limits: { bodyBytesMax: '1KiB' } }));
    const post = (body: string) =>
      fetch(`http://${formatAddress(tracker.addresses.api)}/shoal/v1/announce`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
    assert.equal((await post(JSON.stringify('x'.repeat(2000)))).status, 413);
    assert.equal((await post('{"peer":')).status, 400);
    assert.equal((await fetch(`http://${formatAddress(tracker.addresses.api)}/v2/`)).status, 404);
  });

  it('answers 429 to a peer that asks too often, and serves others', async () => {
    await using tracker = await Tracker.start(testConfig({ limits: { requestsPerSecondMax: 1 } }), {
      clock: () => 1_000_000,
    });
    const client = new TrackerClient(tracker.addresses.api);
    await client.heartbeat(peer(1));
    await client.heartbeat(peer(1));
    await assert.rejects(client.heartbeat(peer(1)), /answered 429.*requestsPerSecondMax/);
    await client.heartbeat(peer(2));
  });

  it('counts the lookups of a peer as its own, and only those of nobody by their address', async () => {
    await using tracker = await Tracker.start(testConfig({ limits: { requestsPerSecondMax: 1 } }), {
      clock: () => 1_000_000,
    });
    const client = new TrackerClient(tracker.addresses.api);
    const swarm = swarmId(1);
    for (let index = 1; index <= 5; index++) await client.lookup({ swarm, peerId: peer(index).peerId });
    await client.lookup({ swarm, peerId: peer(1).peerId });
    await assert.rejects(client.heartbeat(peer(1)), /answered 429/);
    await client.lookup({ swarm });
    await client.lookup({ swarm });
    await assert.rejects(client.lookup({ swarm }), /answered 429/);
  });

  it('answers 503 beyond the requests it takes at once', async () => {
    await using tracker = await Tracker.start(testConfig({ limits: { requestsMax: 1 } }));
    const client = new TrackerClient(tracker.addresses.api);
    const { host, port } = tracker.addresses.api;
    const held = request({
      host,
      port,
      path: '/shoal/v1/heartbeat',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 100 },
    });
    held.on('error', () => {});
    held.write('{');
    while (!(await client.heartbeat(peer(1)).catch(String).then(String)).includes('requestsMax')) await sleep(5);
    held.destroy();
    while ((await client.heartbeat(peer(1)).catch(String).then(String)).includes('requestsMax')) await sleep(5);
    await client.heartbeat(peer(1));
  });
});
