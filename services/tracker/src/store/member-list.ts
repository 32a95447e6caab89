import type { PeerId, Prng } from '@shoal/core';
import { randomBelow } from '@shoal/core';

/** Members by peer and in the order in which they joined, with uniform sampling in time that does not grow with the swarm. */
export class MemberList<Value> {
  readonly #indexes = new Map<PeerId, number>();
  readonly #entries: { readonly peerId: PeerId; readonly value: Value }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  has(peerId: PeerId): boolean {
    return this.#indexes.has(peerId);
  }

  get(peerId: PeerId): Value | undefined {
    const index = this.#indexes.get(peerId);
    return index === undefined ? undefined : this.#entries[index]?.value;
  }

  /** Who is known keeps the place in the order of joining. */
  set(peerId: PeerId, value: Value): void {
    const index = this.#indexes.get(peerId) ?? this.#entries.length;
    this.#indexes.set(peerId, index);
    this.#entries[index] = { peerId, value };
  }

  delete(peerId: PeerId): void {
    const index = this.#indexes.get(peerId);
    const last = this.#entries.at(-1);
    if (index === undefined || last === undefined) return;
    this.#entries[index] = last;
    this.#indexes.set(last.peerId, index);
    this.#entries.pop();
    this.#indexes.delete(peerId);
  }

  values(): Value[] {
    return this.#entries.map(({ value }) => value);
  }

  /** Those who joined first, in that order. */
  first(count: number): Value[] {
    return [...this.#indexes.values().take(count)].flatMap((index) => this.#entries[index]?.value ?? []);
  }

  /**
   * Up to `count` different values, each member but `except` as likely as another.
   * Source: Robert Floyd's algorithm (Bentley, "A Sample of Brilliance", CACM 30(9), 1987).
   */
  sample(count: number, prng: Prng, except?: PeerId): Value[] {
    const left = except === undefined ? undefined : this.#indexes.get(except);
    const size = this.#entries.length - (left === undefined ? 0 : 1);
    const chosen = new Set<number>();
    for (let upper = Math.max(0, size - count); upper < size; upper++) {
      const index = randomBelow(prng, upper + 1);
      chosen.add(chosen.has(index) ? upper : index);
    }
    return [...chosen].flatMap(
      (index) => this.#entries[left !== undefined && index >= left ? index + 1 : index]?.value ?? [],
    );
  }
}
