import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AnnounceResponse, PeerEntry, PeerSelf } from '@shoal/protocol';
import { Tracker } from '../src/service.ts';
import { peer, swarmId } from '../src/store/peer-store-conformance.ts';
import { announceOf, testConfig, TrackerClient } from './tracker-client.ts';

const zones = ['eu-1', 'eu-2', 'us-1'] as const;
const perZone = 14;
const gateways = 10;

/** Agent `n` of zone `z`: the lower n, the earlier it joins. */
const agent = (z: number, n: number): PeerSelf => peer(100 * z + n, { zone: zones[z] ?? '' });
const origin = peer(999, { role: 'origin', zone: 'eu-1' });

describe('a tracker with three zones', () => {
  let tracker: Tracker;
  let client: TrackerClient;
  before(async () => {
    tracker = await Tracker.start(testConfig({ limits: { requestsPerSecondMax: 100_000 } }));
    client = new TrackerClient(tracker.addresses.api);
    await client.announce(origin, announceOf(1, { event: 'complete', have: 10, want: 0 }));
    for (let n = 1; n <= perZone; n++)
      for (let z = 0; z < zones.length; z++) await client.announce(agent(z, n), announceOf(1, { want: 0 }));
  });
  after(() => tracker.stop());

  const ask = async (
    self: PeerSelf,
  ): Promise<{ peers: readonly PeerEntry[]; gateway: AnnounceResponse['swarms'][number]['gateway'] }> => {
    const { swarms } = await client.announce(self, announceOf(1, { event: 'progress', want: 10 }));
    return { peers: swarms[0]?.peers ?? [], gateway: swarms[0]?.gateway };
  };
  const place = ({ peerId }: PeerEntry): number => Number.parseInt(peerId, 16) % 100;

  it('hands gateways some gateways of other zones, and every origin', async () => {
    for (let z = 0; z < zones.length; z++) {
      const { peers, gateway } = await ask(agent(z, gateways));
      const agents = peers.filter(({ role }) => role === 'agent');
      const abroad = agents.filter(({ zone }) => zone !== zones[z]);
      assert.deepEqual(gateway, { index: gateways - 1, known: gateways, places: gateways });
      assert.ok(abroad.length > 0 && abroad.length < agents.length, `${abroad.length} of ${agents.length} abroad`);
      assert.ok(abroad.every((entry) => place(entry) <= gateways));
      assert.equal(peers.length - agents.length, 1);
    }
  });

  it('hands the others their own zone, and origins only of their own', async () => {
    for (let z = 0; z < zones.length; z++) {
      const { peers, gateway } = await ask(agent(z, gateways + 1));
      assert.equal(gateway, null);
      assert.equal(peers.filter(({ role }) => role === 'agent').length, 10);
      assert.ok(peers.every(({ zone }) => zone === zones[z]));
      assert.equal(
        peers.some(({ role }) => role === 'origin'),
        z === 0,
      );
    }
  });

  it('makes the next joiner a gateway when one leaves', async () => {
    await client.announce(agent(1, 3), announceOf(1, { event: 'leave', want: 0 }));
    assert.equal((await ask(agent(1, gateways + 1))).gateway?.index, gateways - 1);
    assert.equal((await ask(agent(1, gateways + 2))).gateway, null);
  });

  it('says nothing of gateways where nobody has a zone', async () => {
    for (let n = 1; n <= 12; n++) await client.announce(peer(n), announceOf(2, { want: 0 }));
    const { swarms } = await client.announce(peer(13), announceOf(2));
    assert.deepEqual(Object.keys(swarms[0] ?? {}).toSorted(), ['peers', 'swarm']);
    assert.equal(swarms[0]?.swarm, swarmId(2));
    assert.equal(swarms[0]?.peers.length, 10);
  });
});
