import { type KeyHash, keyHash } from './hash.ts';
import { owners } from './rendezvous.ts';

export type RingEvent =
  /** The configured members changed; a member that stays keeps its health. */
  | { readonly type: 'members'; readonly members: readonly string[] }
  /** A health check, or a failed call. Reports about strangers change nothing. */
  | { readonly type: 'down'; readonly member: string }
  | { readonly type: 'up'; readonly member: string };

/**
 * The origins and which of them are healthy, as a value: an event makes a new one. Health is a filter over the same
 * order, so the keys of a member that is down go to their next owners and come back with it.
 */
export class Ring {
  readonly members: readonly string[];
  /** Grows by one with every event that changed anything. */
  readonly epoch: number;
  readonly #down: ReadonlySet<string>;
  readonly #hash: KeyHash;

  private constructor(members: readonly string[], down: ReadonlySet<string>, epoch: number, hash: KeyHash) {
    this.members = members;
    this.epoch = epoch;
    this.#down = down;
    this.#hash = hash;
  }

  static of(members: Iterable<string>, hash: KeyHash = keyHash): Ring {
    return new Ring([...new Set(members)].toSorted(), new Set(), 0, hash);
  }

  /** The ring after the event; the same one when it changed nothing. */
  after(event: RingEvent): Ring {
    const down = new Set(this.#down);
    let { members } = this;
    if (event.type === 'members') {
      members = [...new Set(event.members)].toSorted();
      for (const member of down) if (!members.includes(member)) down.delete(member);
      if (sameList(members, this.members)) return this;
    } else {
      if (!members.includes(event.member)) return this;
      if (event.type === 'down') down.add(event.member);
      else down.delete(event.member);
      if (down.size === this.#down.size) return this;
    }
    return new Ring(members, down, this.epoch + 1, this.#hash);
  }

  isHealthy(member: string): boolean {
    return this.members.includes(member) && !this.#down.has(member);
  }

  /** The first `replicas` healthy members in the key's order; all members are asked when none is healthy. */
  owners(key: string, replicas: number): string[] {
    const healthy = this.members.filter((member) => !this.#down.has(member));
    return owners(key, healthy.length > 0 ? healthy : this.members, replicas, this.#hash);
  }
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);
