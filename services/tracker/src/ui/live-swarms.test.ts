import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Report, SwarmAnnounce, SwarmReport } from '@shoal/protocol';
import type { PeerId } from '@shoal/core';
import { digestOf, peer as memberOf, swarmId } from '../store/peer-store-conformance.ts';
import { announceOf } from '../../test/tracker-client.ts';
import { LiveSwarms } from './live-swarms.ts';

/** Peer ids that differ in their first digits, as random ones do. */
const peer = (n: number, o: object = {}) =>
  memberOf(n, { peerId: `${n.toString(16)}`.padEnd(40, '0') as PeerId, ...o });

const ttlMs = 30_000;

const announce = (n: number, o: Partial<SwarmAnnounce> = {}): SwarmAnnounce =>
  announceOf(n, { digest: digestOf(n), ...o });

const load: Report['load'] = {
  sentBytes: 0,
  receivedBytes: 0,
  uploadBytesPerSecondMax: 0,
  downloadBytesPerSecondMax: 0,
  uploadsWaiting: 0,
  busy: 0.5,
};

const swarmReport = (n: number, o: Partial<SwarmReport> = {}): SwarmReport => ({
  swarm: swarmId(n),
  digest: digestOf(n),
  size: 1000,
  pieces: 10,
  have: 5,
  held: 'fffff00000',
  neighbours: ['0000000002'],
  origins: [],
  bytes: { peers: 500, origins: 0, http: 0, discarded: 0, sent: 100 },
  corrupt: 0,
  way: 'swarm',
  readers: 1,
  ageMs: 1000,
  ...o,
});

const nodeOf = (swarms: LiveSwarms, n: number) => swarms.get(swarmId(n))?.frame(0, 0).nodes[0];

describe('the swarms of the live view', () => {
  it('hears joins, progress and completion from announces alone', () => {
    const swarms = new LiveSwarms(ttlMs);
    swarms.announced(peer(1), [announce(1)], 0);
    swarms.announced(peer(2), [announce(1, { event: 'complete', have: 10 })], 10);
    assert.deepEqual([swarms.downloaders, swarms.downloading().length], [1, 1]);
    swarms.announced(peer(1), [announce(1, { event: 'progress', have: 4, degree: 3 })], 1000);
    const { row } = swarms.get(swarmId(1))!.frame(0, 1000);
    assert.deepEqual([row?.nodes, row?.complete, row?.progress], [2, 1, 0.7]);
    swarms.announced(peer(1), [announce(1, { event: 'complete', have: 10 })], 3000);
    assert.equal(swarms.downloaders, 0);
    assert.equal(nodeOf(swarms, 1)?.doneMs, 3000);
    swarms.announced(peer(1), [announce(1, { event: 'leave' })], 4000);
    swarms.announced(peer(2), [announce(1, { event: 'leave' })], 4000);
    assert.equal(swarms.get(swarmId(1)), undefined);
  });

  it('makes rates of two reports, and of the first one from the start of the download', () => {
    const swarms = new LiveSwarms(ttlMs);
    swarms.reported({ peer: peer(1), load, swarms: [swarmReport(1)] }, 1000);
    assert.deepEqual([nodeOf(swarms, 1)?.down, nodeOf(swarms, 1)?.up], [500, 100]);
    const bytes = { peers: 700, origins: 100, http: 0, discarded: 0, sent: 100 };
    const second = { ...load, receivedBytes: 4000 };
    swarms.reported({ peer: peer(1), load: second, swarms: [swarmReport(1, { have: 8, bytes, ageMs: 2000 })] }, 2000);
    const node = nodeOf(swarms, 1);
    assert.deepEqual([node?.down, node?.up, node?.load?.down, node?.joinedMs], [300, 0, 4000, 0]);
  });

  it('says since when a node stands still, and that a seed keeps what it had received', () => {
    const swarms = new LiveSwarms(ttlMs);
    const report = (ageMs: number, o: Partial<SwarmReport> = {}) =>
      swarms.reported({ peer: peer(1), load, swarms: [swarmReport(1, { ageMs, ...o })] }, ageMs);
    report(1000);
    report(5000);
    report(6000);
    assert.equal(nodeOf(swarms, 1)?.stillSinceMs, 1000);
    const sent = { peers: 0, origins: 0, http: 0, discarded: 0, sent: 300 };
    report(7000, { have: 10, held: 'ffffffffff', way: 'seed', bytes: sent });
    const node = nodeOf(swarms, 1);
    assert.deepEqual([node?.stillSinceMs, node?.bytes?.peers, node?.bytes?.sent], [null, 500, 300]);
  });

  it('frames hold what is new, and who has gone', () => {
    const swarms = new LiveSwarms(ttlMs);
    for (let n = 1; n <= 3; n++) swarms.announced(peer(n), [announce(1)], 0);
    const swarm = swarms.get(swarmId(1))!;
    const { version } = swarm;
    swarms.announced(peer(2), [announce(1, { event: 'progress', have: 1 })], 5);
    swarms.announced(peer(3), [announce(1, { event: 'leave' })], 5);
    const frame = swarm.frame(version, 5);
    assert.equal(frame.whole, false);
    assert.deepEqual(
      frame.nodes.map(({ id }) => id),
      [peer(2).peerId.slice(0, 10)],
    );
    assert.deepEqual(frame.gone, [peer(3).peerId.slice(0, 10)]);
    assert.deepEqual(swarm.frame(swarm.version, 5).nodes, []);
  });

  it('drops who is silent, and the former process of a node', () => {
    const swarms = new LiveSwarms(ttlMs);
    swarms.announced(peer(1), [announce(1)], 0);
    swarms.announced(peer(2), [announce(1)], 0);
    swarms.beat(peer(2), 20_000);
    swarms.expire(ttlMs);
    assert.equal(swarms.get(swarmId(1))?.nodeCount, 1);
    swarms.announced(peer(2, { incarnation: 5 }), [announce(2)], ttlMs);
    assert.equal(swarms.get(swarmId(1)), undefined);
    swarms.announced(peer(2), [announce(1)], ttlMs);
    assert.equal(swarms.get(swarmId(1)), undefined, 'an older process counts no more');
  });

  it('shows no swarms of tags', () => {
    const swarms = new LiveSwarms(ttlMs);
    swarms.announced(peer(1), [announce(1, { digest: undefined as never, event: 'complete' })], 0);
    assert.equal(swarms.overview(0).swarmCount, 0);
  });

  it('stays within its bounds: idle swarms make room, and what has none is counted', () => {
    const swarms = new LiveSwarms(ttlMs, { peersMax: 4, swarmsMax: 3, membershipsMax: 5 });
    for (let n = 1; n <= 5; n++) swarms.announced(peer(1), [announce(n, { event: 'complete' })], n);
    assert.equal(swarms.overview(0).swarmCount, 3);
    assert.equal(swarms.get(swarmId(1)), undefined);
    for (let n = 1; n <= 8; n++) swarms.announced(peer(n), [announce(9)], 10);
    const { swarmCount, nodes, hidden } = swarms.overview(0);
    assert.ok(swarmCount <= 3 && nodes <= 4 && hidden > 0, JSON.stringify({ swarmCount, nodes, hidden }));
  });

  it('finds by digest, node, address and zone', () => {
    const swarms = new LiveSwarms(ttlMs);
    swarms.announced(peer(1, { zone: 'Rack-7' }), [announce(1)], 0);
    const digest = digestOf(1);
    for (const text of [digest, digest.slice(0, 20), digest.slice(7, 30), swarmId(1).slice(0, 12)])
      assert.equal(swarms.find(text).swarms.length, 1, text);
    for (const text of [peer(1).peerId, peer(1).address, ' rack-7 '])
      assert.equal(swarms.find(text).nodes[0]?.swarms.length, 1, text);
    assert.deepEqual(swarms.find(' '), { swarms: [], nodes: [] });
    assert.deepEqual(swarms.find('zzz'), { swarms: [], nodes: [] });
  });
});
