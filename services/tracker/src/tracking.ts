import { InvalidValueError, parseAddress } from '@shoal/core';
import type { Prng, SwarmId } from '@shoal/core';
import type {
  AnnounceRequest,
  AnnounceResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  LeaseRequest,
  LeaseResponse,
  LookupRequest,
  LookupResponse,
  PeerEntry,
  PeerSelf,
  SwarmAnnounce,
} from '@shoal/protocol';
import { chooseHandout, type HandoutRequest } from '@shoal/swarm';
import type { TrackerConfig } from './config.ts';
import type { TrackerEvents } from './events.ts';
import { PendingDegrees } from './pending-degrees.ts';
import type { Member, MembershipChange, PeerStore } from './store/peer-store.ts';
import type { LiveView } from './ui/live-view.ts';

export interface TrackingOptions {
  readonly store: PeerStore;
  readonly heartbeat: TrackerConfig['heartbeat'];
  readonly handout: TrackerConfig['handout'];
  /** Hears what peers say of themselves; undefined: it is switched off. */
  readonly view?: LiveView | undefined;
  readonly events: TrackerEvents;
  readonly clock: () => number;
  readonly prng: Prng;
}

/** An agent that dies holds up the others for this long. */
const leaseMs = 10_000;

const pendingDegreesMax = 100_000;
const pendingDegreesMs = 10_000;

/** What a tracker answers, apart from how the question came in and where peers are kept. */
export class Tracking {
  readonly #o: TrackingOptions;
  readonly #pending: PendingDegrees;

  constructor(options: TrackingOptions) {
    this.#o = options;
    this.#pending = new PendingDegrees({
      entriesMax: pendingDegreesMax,
      holdMs: pendingDegreesMs,
      clock: options.clock,
    });
  }

  /** @throws InvalidValueError, PeerSupersededError, StoreUnavailableError */
  async announce(request: AnnounceRequest): Promise<AnnounceResponse> {
    const { peer, swarms } = request;
    checkReachable(peer);
    checkNoRepeats(swarms);
    const { known, members, gateways, places, refused } = await this.#o.store.announce(
      peer,
      swarms.map((announce) => this.#changeOf(announce)),
    );
    this.#o.view?.announced(request);
    for (const { swarm, event } of swarms) {
      this.#pending.reported(swarm, peer.peerId);
      this.#o.events.announced(event);
    }
    if (refused > 0) this.#o.events.refused(peer.peerId, refused);
    const answers = swarms.map(({ swarm, want }, index) => {
      const among = gateways[index];
      const { peerId: asking, zone } = peer;
      const peers = this.#choose(swarm, members[index] ?? [], { peerId: asking, zone, gateways: among, want });
      for (const { peerId, role } of peers) if (role === 'agent') this.#pending.handedOut(swarm, peerId);
      return {
        swarm,
        peers,
        ...(among && { gateway: places[index] ?? null }),
      };
    });
    return {
      swarms: answers.filter((_, index) => wants(swarms[index])),
      again: !known,
      ...this.#pace,
    };
  }

  /** @throws InvalidValueError, PeerSupersededError, StoreUnavailableError */
  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse> {
    const { peer, load } = request;
    checkReachable(peer);
    const known = await this.#o.store.heartbeat(peer, load?.swarms);
    this.#o.view?.beat(request);
    return { known, commands: [], ...this.#pace };
  }

  get #pace(): { intervalMs: number; reportMs?: number } {
    const { view, heartbeat } = this.#o;
    return { intervalMs: heartbeat.intervalMs, ...(view && { reportMs: view.reportMs }) };
  }

  /**
   * Peers for one who is no member and asks them one thing: it becomes nobody's neighbour, so its question counts towards
   * no degree, and who has all the neighbours it may have answers it as well. The one holder of a tag record is found by
   * any number of nodes.
   *
   * @throws InvalidValueError, StoreUnavailableError
   */
  async lookup({ digest, swarm, want }: LookupRequest): Promise<LookupResponse> {
    const key = swarm !== undefined ? { swarm } : digest !== undefined ? { digest } : undefined;
    if (!key) throw new InvalidValueError('digest', undefined, 'allowed is a digest or a swarm; one of them is needed');
    const found = await this.#o.store.lookup(key, this.#o.handout.sample);
    return {
      swarms: found.map(({ swarm: id, digest: name, members }) => ({
        swarm: id,
        ...(name !== undefined && { digest: name }),
        peers: this.#choose(id, members, { peerId: '', zone: '', want, degreeMax: Infinity }),
      })),
    };
  }

  /** One agent at a time may fetch a digest from another registry. @throws InvalidValueError, StoreUnavailableError */
  async lease({ peer, digest, release = false }: LeaseRequest): Promise<LeaseResponse> {
    checkReachable(peer);
    const { peerId, address } = peer;
    const holder = await this.#o.store.lease({ peerId, address }, digest, release ? 0 : leaseMs);
    return { granted: !release && holder.peerId === peerId, holder, holdMs: leaseMs };
  }

  #changeOf(announce: SwarmAnnounce): MembershipChange {
    const { swarm, digest, event, have, pieces, degree } = announce;
    return {
      swarm,
      digest,
      degree,
      leave: event === 'leave',
      complete: event === 'complete' || (pieces > 0 && have >= pieces),
      sample: wants(announce) ? this.#o.handout.sample : 0,
    };
  }

  #choose(swarm: SwarmId, members: readonly Member[], to: Omit<HandoutRequest, 'prng' | 'sample'>): PeerEntry[] {
    const candidates = members.map((member) => ({
      ...member,
      degree: member.degree + this.#pending.of(swarm, member.peerId),
    }));
    const { degreeMax, sample } = this.#o.handout;
    const chosen = chooseHandout(candidates, { degreeMax, ...to, prng: this.#o.prng, sample });
    this.#o.events.handedOut(chosen.length);
    return chosen.map(({ peerId, incarnation, address, zone, complete, role }) => ({
      peerId,
      incarnation,
      address,
      zone,
      complete,
      role,
    }));
  }
}

const wants = (announce: SwarmAnnounce | undefined): boolean =>
  announce !== undefined && announce.want > 0 && announce.event !== 'leave';

/** @throws InvalidValueError for an address that other peers could never dial. */
const checkReachable = ({ address }: PeerSelf): void => {
  const { host } = parseAddress(address, 'peer.address');
  if (/^[0.:]+$/.test(host)) {
    throw new InvalidValueError(
      'peer.address',
      address,
      'allowed is an address that other peers can dial; set the one to advertise',
    );
  }
};

/** Two events of one swarm in one announce have no order. @throws InvalidValueError */
const checkNoRepeats = (swarms: readonly SwarmAnnounce[]): void => {
  const seen = new Set<SwarmId>();
  for (const [index, { swarm }] of swarms.entries()) {
    if (seen.has(swarm)) throw new InvalidValueError(`swarms[${index}].swarm`, swarm, 'allowed is each swarm once');
    seen.add(swarm);
  }
};
