/** A swarm of nodes that exist only in what they tell a tracker: announces and reports as agents send them. */
import { Bitfield, parseDigest, type PeerId, parseSwarmId, seededPrng } from '@shoal/core';
import { heldParts, type PeerSelf, type Report, shortPeerIdDigits, type SwarmReport } from '@shoal/protocol';
import type { LiveView } from '../../services/tracker/src/ui/live-view.ts';

export interface CrowdOptions {
  readonly nodes: number;
  readonly zones: readonly string[];
  readonly pieces: number;
  readonly pieceLength: number;
  readonly seed: number;
  /** Which blob: two crowds with one number share a swarm. */
  readonly blob: number;
}

interface Member {
  readonly self: PeerSelf;
  readonly have: Bitfield;
  readonly neighbours: string[];
  /** Pieces a step; 0 stands still. */
  readonly speed: number;
  readonly joinedStep: number;
  fromOrigin: number;
  sent: number;
}

export const crowdDefaults: CrowdOptions = {
  nodes: 1000,
  zones: ['eu-1a', 'eu-1b', 'eu-1c'],
  pieces: 512,
  pieceLength: 4 * 1024 * 1024,
  seed: 7,
  blob: 1,
};

const originId = 'f00dfeed01';
const degree = 20;

/** Moves on in steps of one second, as seeded: what a person sees of it is the same each time. */
export class Crowd {
  readonly swarm;
  readonly digest;
  readonly members: Member[] = [];
  readonly #o: CrowdOptions;
  readonly #prng;
  #step = 0;

  constructor(options: Partial<CrowdOptions> = {}) {
    this.#o = { ...crowdDefaults, ...options };
    const { nodes, blob } = this.#o;
    this.#prng = seededPrng(this.#o.seed);
    this.swarm = parseSwarmId(blob.toString(16).padStart(2, '0').repeat(32));
    this.digest = parseDigest(`sha256:${blob.toString(16).padStart(2, 'c').repeat(32)}`);
    for (let index = 0; index < nodes; index++) this.members.push(this.#member(index));
    this.#connect();
  }

  /** Everybody joins. */
  join(view: LiveView): void {
    for (const member of this.members) {
      const { pieces } = this.#o;
      const announce = { swarm: this.swarm, digest: this.digest, have: 0, pieces, degree: 0, want: 10 };
      view.announced({ peer: member.self, swarms: [{ ...announce, event: 'join' }] });
    }
  }

  /** A second passes, and `share` of the nodes tell of it. */
  step(view: LiveView, share = 1): void {
    this.#step++;
    for (const [index, member] of this.members.entries()) {
      this.#advance(member);
      const told = index % Math.max(1, Math.round(1 / share)) === this.#step % Math.max(1, Math.round(1 / share));
      if (told) view.reported(this.#report(member));
    }
  }

  /** Who has not all of it gives up. */
  giveUp(view: LiveView): void {
    const { swarm, digest } = this;
    const { pieces } = this.#o;
    for (const { self, have } of this.members.filter((member) => !member.have.complete)) {
      const leave = { swarm, digest, event: 'leave' as const, have: have.count, pieces, degree: 0, want: 0 };
      view.announced({ peer: self, swarms: [leave] });
    }
    this.members.splice(0, this.members.length, ...this.members.filter(({ have }) => have.complete));
  }

  #member(index: number): Member {
    const { zones, pieces, blob } = this.#o;
    const peerId = `${blob.toString(16)}${index.toString(16).padStart(5, '0')}`.padEnd(40, 'ab') as PeerId;
    const zone = zones[index % zones.length] ?? '';
    const address = `10.${10 * blob + (index % zones.length)}.${index >> 8}.${index & 255}:7021`;
    return {
      self: { peerId, incarnation: 1, address, zone, role: 'agent' },
      have: new Bitfield(pieces),
      neighbours: [],
      speed: index % 97 === 5 ? 0 : 2 + this.#prng() * 8,
      joinedStep: Math.floor(this.#prng() * 6),
      fromOrigin: 0,
      sent: 0,
    };
  }

  /** Mostly to nodes of the own zone, as the tracker hands them out. */
  #connect(): void {
    const { zones } = this.#o;
    for (const [index, { neighbours, self }] of this.members.entries()) {
      for (let link = 0; link < degree / 2; link++) {
        const isGateway = index < 10 * zones.length && link < 3;
        const among = isGateway ? this.members : this.members.filter((other) => other.self.zone === self.zone);
        const other = among[Math.floor(this.#prng() * among.length)];
        const id = other?.self.peerId.slice(0, shortPeerIdDigits);
        if (!other || id === undefined || other.self === self || neighbours.includes(id)) continue;
        neighbours.push(id);
        other.neighbours.push(self.peerId.slice(0, shortPeerIdDigits));
      }
    }
  }

  #advance(member: Member): void {
    if (this.#step < member.joinedStep) return;
    const { pieces } = this.#o;
    let left = member.speed * (0.5 + this.#prng());
    for (; left > 0 && !member.have.complete; left--) {
      let piece = Math.floor(this.#prng() * pieces);
      while (member.have.has(piece)) piece = (piece + 1) % pieces;
      member.have.set(piece);
      if (this.#prng() < 0.02) member.fromOrigin++;
      member.sent++;
    }
  }

  #report({ self, have, neighbours, fromOrigin, sent, joinedStep, speed }: Member): Report {
    const { pieces, pieceLength } = this.#o;
    const origins = fromOrigin > 0 ? [originId] : [];
    const swarm: SwarmReport = {
      swarm: this.swarm,
      digest: this.digest,
      size: pieces * pieceLength,
      pieces,
      have: have.count,
      held: heldParts(have),
      neighbours: neighbours.slice(0, 40),
      origins,
      bytes: {
        peers: (have.count - fromOrigin) * pieceLength,
        origins: fromOrigin * pieceLength,
        http: 0,
        discarded: 0,
        sent: sent * pieceLength,
      },
      corrupt: 0,
      way: have.complete ? 'seed' : 'swarm',
      readers: 1,
      ageMs: Math.max(0, this.#step - joinedStep) * 1000,
    };
    const load = {
      sentBytes: sent * pieceLength,
      receivedBytes: have.count * pieceLength,
      uploadBytesPerSecondMax: 0,
      downloadBytesPerSecondMax: 0,
      uploadsWaiting: sent % 3,
      busy: speed < 3 ? 0.95 : 0.3,
    };
    return { peer: self, load, swarms: [swarm] };
  }
}
