import type { PeerId } from '@shoal/core';
import type { PeerSelf, Report, SwarmAnnounce } from '@shoal/protocol';
import { shortPeerIdDigits } from '@shoal/protocol';
import { type LivePeer, LiveSwarm, rate } from './live-swarm.ts';
import type { Found, FoundNode, NodeRow, Overview, SwarmRow } from './views.ts';

export interface LiveLimits {
  readonly peersMax: number;
  readonly swarmsMax: number;
  /** Nodes of all swarms together: a membership takes about half a kilobyte, one that is reported of up to two. */
  readonly membershipsMax: number;
}

export const liveLimits: LiveLimits = { peersMax: 20_000, swarmsMax: 2000, membershipsMax: 50_000 };

const rowsMax = 100;
const foundMax = 20;
/** Nodes report at least every ten seconds while they have something to tell. */
const loadMsMax = 15_000;

/**
 * The swarms as announces, heartbeats and reports told this tracker, for people to look at. The store decides who is handed
 * out; this decides nothing. Bounded: a swarm in which nothing happened for longest makes room for others.
 */
export class LiveSwarms {
  readonly #limits: LiveLimits;
  readonly #ttlMs: number;
  /** In the order in which they were last heard. */
  readonly #peers = new Map<PeerId, LivePeer>();
  /** In the order of their last activity. */
  readonly #swarms = new Map<string, LiveSwarm>();
  #memberships = 0;
  #hidden = 0;

  constructor(ttlMs: number, limits = liveLimits) {
    this.#ttlMs = ttlMs;
    this.#limits = limits;
  }

  announced(self: PeerSelf, announces: readonly SwarmAnnounce[], nowMs: number): void {
    const peer = this.#heard(self, nowMs);
    if (!peer) return;
    for (const announce of announces) {
      if (announce.event === 'leave') this.#leave(peer, this.#swarms.get(announce.swarm));
      // Without a digest it is the swarm of a tag, which has no pieces.
      else if (announce.digest !== undefined) {
        const active = announce.event !== 'complete';
        this.#enter(peer, announce.swarm, announce.digest, active)?.announced(peer, announce, nowMs);
      }
    }
  }

  /** Somebody lives who has nothing to tell. */
  beat(self: PeerSelf, nowMs: number): void {
    if (this.#peers.has(self.peerId)) this.#heard(self, nowMs);
  }

  reported({ peer: self, load, swarms }: Report, nowMs: number): void {
    const peer = this.#heard(self, nowMs);
    if (!peer) return;
    const sinceMs = peer.reportedMs > 0 ? nowMs - peer.reportedMs : Infinity;
    peer.load = {
      down: rate(load.receivedBytes - peer.receivedBytes, sinceMs),
      up: rate(load.sentBytes - peer.sentBytes, sinceMs),
      downMax: load.downloadBytesPerSecondMax,
      upMax: load.uploadBytesPerSecondMax,
      waiting: load.uploadsWaiting,
      busy: load.busy,
    };
    Object.assign(peer, { sentBytes: load.sentBytes, receivedBytes: load.receivedBytes, reportedMs: nowMs });
    const named = new Set<LiveSwarm>();
    for (const report of swarms) {
      const swarm = this.#enter(peer, report.swarm, report.digest, report.have < report.pieces);
      swarm?.reported(peer, report, nowMs);
      if (swarm) named.add(swarm);
    }
    for (const swarm of peer.swarms) if (!named.has(swarm)) swarm.quiet(peer, nowMs);
  }

  /** Drops who was silent for the time to live. */
  expire(nowMs: number): void {
    for (const [peerId, peer] of this.#peers) {
      if (peer.heardMs + this.#ttlMs > nowMs) return;
      for (const swarm of peer.swarms) this.#leave(peer, swarm);
      this.#peers.delete(peerId);
    }
  }

  get(swarm: string): LiveSwarm | undefined {
    return this.#swarms.get(swarm);
  }

  /** The swarms in which somebody is still fetching. */
  downloading(): LiveSwarm[] {
    return [...this.#swarms.values()].filter((swarm) => swarm.downloading);
  }

  /** Nodes that fetch something. */
  get downloaders(): number {
    let count = 0;
    for (const { self, swarms } of this.#peers.values()) {
      for (const swarm of swarms) {
        if (!swarm.isDownloading(self.peerId)) continue;
        count++;
        break;
      }
    }
    return count;
  }

  overview(nowMs: number): Omit<Overview, 'partial' | 'reportMs'> {
    const rows = [...this.#swarms.values()].map((swarm) => swarm.row()).toSorted(byActivity);
    let [down, up] = [0, 0];
    for (const { load } of this.#peers.values()) {
      down += load?.down ?? 0;
      up += load?.up ?? 0;
    }
    const bytes = { peers: 0, origins: 0, http: 0 };
    for (const swarm of this.#swarms.values()) {
      const sum = swarm.bytes();
      bytes.peers += sum.peers;
      bytes.origins += sum.origins;
      bytes.http += sum.http;
    }
    return {
      nowMs,
      nodes: this.#peers.size,
      downloading: this.downloaders,
      swarmCount: rows.length,
      down,
      up,
      bytes,
      swarms: rows.slice(0, rowsMax),
      hidden: this.#hidden,
    };
  }

  /** The busiest, at most 100. */
  nodes(nowMs: number): NodeRow[] {
    const rows = [...this.#peers.values()].map((peer): NodeRow => {
      const { peerId, address, zone, role } = peer.self;
      const downloads = [...peer.swarms].filter((swarm) => swarm.isDownloading(peerId)).length;
      const load = nowMs - peer.reportedMs < loadMsMax ? peer.load : null;
      return { id: peerId.slice(0, shortPeerIdDigits), address, zone, role, swarms: peer.swarms.size, downloads, load };
    });
    const rateOf = ({ load }: NodeRow): number => (load?.down ?? 0) + (load?.up ?? 0);
    return rows
      .toSorted((a, b) => b.downloads - a.downloads || rateOf(b) - rateOf(a) || (a.address < b.address ? -1 : 1))
      .slice(0, rowsMax);
  }

  /** By the beginning of a digest, swarm or node id, or a part of an address or zone. At most 20 of each. */
  find(text: string): Found {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return { swarms: [], nodes: [] };
    const hex = wanted.replace(/^sha256:/, '');
    const isSwarm = ({ id, digest }: LiveSwarm): boolean =>
      id.startsWith(hex) || digest.startsWith(wanted) || digest.slice(digest.indexOf(':') + 1).startsWith(hex);
    const isNode = ({ self: { peerId, address, zone } }: LivePeer): boolean =>
      peerId.startsWith(wanted) || address.toLowerCase().includes(wanted) || zone.toLowerCase().includes(wanted);
    const swarms = Iterator.from(this.#swarms.values()).filter(isSwarm).take(foundMax).toArray();
    const nodes = Iterator.from(this.#peers.values()).filter(isNode).take(foundMax).toArray();
    return { swarms: swarms.map((swarm) => swarm.row()), nodes: nodes.map(foundNode) };
  }

  #heard(self: PeerSelf, nowMs: number): LivePeer | undefined {
    const before = this.#peers.get(self.peerId);
    if (before && before.self.incarnation > self.incarnation) return undefined;
    if (before && before.self.incarnation < self.incarnation) {
      for (const swarm of before.swarms) this.#leave(before, swarm);
    }
    const same = before?.self.incarnation === self.incarnation ? before : undefined;
    if (!before && this.#peers.size >= this.#limits.peersMax) return this.#hide();
    const peer: LivePeer = { ...(same ?? newPeer()), self, heardMs: nowMs };
    this.#peers.delete(self.peerId);
    this.#peers.set(self.peerId, peer);
    return peer;
  }

  #enter(peer: LivePeer, id: string, digest = '', active = true): LiveSwarm | undefined {
    const known = this.#swarms.get(id);
    if (!known?.has(peer.self.peerId) && !this.#makeRoom(known)) return this.#hide();
    const swarm = known ?? new LiveSwarm(id);
    swarm.digest ||= digest;
    if (active || !known) {
      this.#swarms.delete(id);
      this.#swarms.set(id, swarm);
    }
    if (!peer.swarms.has(swarm)) this.#memberships++;
    peer.swarms.add(swarm);
    return swarm;
  }

  /** For one membership more. False: the swarm itself takes all the room there is. */
  #makeRoom(known: LiveSwarm | undefined): boolean {
    const { swarmsMax, membershipsMax } = this.#limits;
    while (this.#memberships >= membershipsMax || (!known && this.#swarms.size >= swarmsMax)) {
      const [oldest] = this.#swarms.values();
      if (!oldest || oldest === known) return false;
      for (const peer of this.#peers.values()) this.#leave(peer, oldest);
      this.#swarms.delete(oldest.id);
      this.#hidden++;
    }
    return true;
  }

  #leave({ self, swarms }: LivePeer, swarm: LiveSwarm | undefined): void {
    if (!swarm || !swarms.delete(swarm)) return;
    swarm.left(self.peerId);
    this.#memberships--;
    if (swarm.nodeCount === 0) this.#swarms.delete(swarm.id);
  }

  #hide(): undefined {
    this.#hidden++;
  }
}

const newPeer = (): Omit<LivePeer, 'self'> => ({
  load: null,
  sentBytes: 0,
  receivedBytes: 0,
  reportedMs: 0,
  heardMs: 0,
  swarms: new Set(),
});

const byActivity = (a: SwarmRow, b: SwarmRow): number =>
  Number(b.complete < b.nodes) - Number(a.complete < a.nodes) || b.down - a.down || b.activeMs - a.activeMs;

const foundNode = ({ self: { peerId, address, zone }, swarms }: LivePeer): FoundNode => ({
  id: peerId.slice(0, shortPeerIdDigits),
  address,
  zone,
  swarms: [...swarms]
    .map((swarm) => swarm.row())
    .toSorted(byActivity)
    .slice(0, foundMax),
});
