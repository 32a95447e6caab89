import type { PeerId } from '@shoal/core';
import type { PeerSelf, SwarmAnnounce, SwarmReport } from '@shoal/protocol';
import { shortPeerIdDigits } from '@shoal/protocol';
import type { LoadView, NodeView, SwarmFrame, SwarmRow } from './views.ts';

/** A node that is gone is told of in frames as long as fewer than so many others have gone since. */
const goneMax = 2000;

/** Nothing arrived for so long: the node counts as standing still. */
const stillMs = 2000;

/** What several swarms of a node share. */
export interface LivePeer {
  readonly self: PeerSelf;
  load: LoadView | null;
  /** Of the last report, to get rates. */
  sentBytes: number;
  receivedBytes: number;
  reportedMs: number;
  heardMs: number;
  readonly swarms: Set<LiveSwarm>;
}

type Node = { -readonly [Key in keyof NodeView]: NodeView[Key] } & { version: number; reportedMs: number };

/** One swarm as this tracker heard of it. Every change has a number, so that frames hold only what is new. */
export class LiveSwarm {
  readonly id: string;
  digest = '';
  size = 0;
  pieces = 0;
  activeMs = 0;
  readonly #nodes = new Map<PeerId, Node>();
  readonly #gone: { readonly id: string; readonly version: number }[] = [];
  #forgotten = 0;
  #version = 0;

  constructor(id: string) {
    this.id = id;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get version(): number {
    return this.#version;
  }

  has(peer: PeerId): boolean {
    return this.#nodes.has(peer);
  }

  /** Somebody is still fetching. */
  get downloading(): boolean {
    for (const { complete } of this.#nodes.values()) if (!complete) return true;
    return false;
  }

  isDownloading(peer: PeerId): boolean {
    return this.#nodes.get(peer)?.complete === false;
  }

  announced(peer: LivePeer, { event, have, pieces, degree }: SwarmAnnounce, nowMs: number): void {
    const node = this.#node(peer, nowMs);
    this.pieces ||= pieces;
    const complete = event === 'complete' || (pieces > 0 && have >= pieces);
    if (complete && !node.complete) this.#completed(node, nowMs);
    if (!complete && node.complete) Object.assign(node, { complete, doneMs: null, way: 'swarm', joinedMs: nowMs });
    Object.assign(node, { have, degree });
    if (!complete || event === 'complete') this.activeMs = nowMs;
    this.#changed(node, peer, nowMs);
  }

  reported(peer: LivePeer, report: SwarmReport, nowMs: number): void {
    const node = this.#node(peer, nowMs);
    this.size = report.size;
    this.pieces = report.pieces;
    const { bytes, ageMs } = report;
    // The first report counts from the start of the download.
    const sinceMs = node.reportedMs > 0 ? nowMs - node.reportedMs : ageMs;
    const got = received(bytes) - received(node.bytes);
    const down = rate(got, sinceMs);
    const complete = report.have >= report.pieces;
    if (complete && !node.complete) this.#completed(node, nowMs);
    if (!complete) {
      this.activeMs = nowMs;
      node.doneMs = null;
      node.joinedMs = nowMs - ageMs;
    }
    node.stillSinceMs = complete || got > 0 || ageMs < stillMs ? null : (node.stillSinceMs ?? nowMs - sinceMs);
    // A seeding begins to count anew; the sum of what came stays.
    const kept = report.way === 'seed' ? { ...node.bytes, sent: bytes.sent } : bytes;
    const { have, held, neighbours, origins, corrupt, way, readers } = report;
    const degree = neighbours.length + origins.length;
    const up = rate(bytes.sent - node.bytes.sent, sinceMs);
    Object.assign(node, { have, held, peers: neighbours, origins, degree, corrupt, way, readers, complete });
    Object.assign(node, { down: complete ? 0 : down, up, bytes: kept, reportedMs: nowMs });
    this.#changed(node, peer, nowMs);
  }

  /** It is in the swarm still, and does nothing there. */
  quiet(peer: LivePeer, nowMs: number): void {
    const node = this.#nodes.get(peer.self.peerId);
    if (!node || node.reportedMs === 0) return;
    if (node.down === 0 && node.up === 0 && node.peers.length === 0) return;
    Object.assign(node, { down: 0, up: 0, peers: [], origins: [], degree: 0 });
    this.#changed(node, peer, nowMs);
  }

  left(peer: PeerId): void {
    const node = this.#nodes.get(peer);
    if (!node) return;
    this.#nodes.delete(peer);
    this.#gone.push({ id: node.id, version: ++this.#version });
    if (this.#gone.length > goneMax) this.#forgotten = this.#gone.shift()?.version ?? 0;
  }

  row(): SwarmRow {
    let [complete, down, up, held] = [0, 0, 0, 0];
    const zones = new Set<string>();
    for (const node of this.#nodes.values()) {
      if (node.complete) complete++;
      down += node.down;
      up += node.up;
      held += node.complete || this.pieces === 0 ? Number(node.complete) : node.have / this.pieces;
      zones.add(node.zone);
    }
    const { id: swarm, digest, size, pieces, activeMs, nodeCount: nodes } = this;
    const progress = nodes === 0 ? 0 : Math.round((held / nodes) * 1000) / 1000;
    return { swarm, digest, size, pieces, nodes, complete, zones: zones.size, down, up, progress, activeMs };
  }

  /** What came after `version`; `whole` when that is too long ago to be told. */
  frame(version: number, atMs: number): SwarmFrame {
    const whole = version === 0 || version < this.#forgotten;
    const nodes: NodeView[] = [];
    for (const node of this.#nodes.values()) if (whole || node.version > version) nodes.push(viewOf(node));
    const gone = whole ? [] : this.#gone.filter((entry) => entry.version > version).map(({ id }) => id);
    return { atMs, whole, nodes, gone, row: this.row() };
  }

  bytes(): { peers: number; origins: number; http: number } {
    const sum = { peers: 0, origins: 0, http: 0 };
    for (const { bytes } of this.#nodes.values()) {
      sum.peers += bytes.peers;
      sum.origins += bytes.origins;
      sum.http += bytes.http;
    }
    return sum;
  }

  #completed(node: Node, nowMs: number): void {
    const held = 'f'.repeat(node.held.length);
    Object.assign(node, { complete: true, doneMs: nowMs, down: 0, way: 'seed', held, stillSinceMs: null });
  }

  #node(peer: LivePeer, nowMs: number): Node {
    const known = this.#nodes.get(peer.self.peerId);
    if (known) return known;
    const node = newNode(peer, nowMs);
    this.#nodes.set(peer.self.peerId, node);
    return node;
  }

  #changed(node: Node, { self: { address, zone }, load }: LivePeer, nowMs: number): void {
    Object.assign(node, { address, zone, load, heardMs: nowMs, version: ++this.#version });
  }
}

const newNode = ({ self }: LivePeer, nowMs: number): Node => ({
  id: self.peerId.slice(0, shortPeerIdDigits),
  address: self.address,
  zone: self.zone,
  role: self.role,
  have: 0,
  complete: false,
  held: '',
  peers: [],
  origins: [],
  degree: 0,
  down: 0,
  up: 0,
  bytes: { peers: 0, origins: 0, http: 0, discarded: 0, sent: 0 },
  corrupt: 0,
  way: 'swarm',
  readers: 0,
  joinedMs: nowMs,
  doneMs: null,
  stillSinceMs: null,
  heardMs: nowMs,
  load: null,
  version: 0,
  reportedMs: 0,
});

const viewOf = ({ version: _version, reportedMs: _reportedMs, ...view }: Node): NodeView => view;

const received = ({ peers, origins, http }: NodeView['bytes']): number => peers + origins + http;

/** Bytes a second; a counter that began anew counts as nothing. */
export const rate = (bytes: number, ms: number): number =>
  bytes <= 0 ? 0 : Math.round((bytes * 1000) / Math.max(ms, 50));
