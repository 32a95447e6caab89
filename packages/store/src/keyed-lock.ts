/** One piece of work at a time for each key, in the order of arrival. Holds an entry only while there is work. */
export class KeyedLock<Key> {
  readonly #tails = new Map<Key, Promise<void>>();

  run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(work);
    const tail: Promise<void> = result.then(
      () => this.#settled(key, tail),
      () => this.#settled(key, tail),
    );
    this.#tails.set(key, tail);
    return result;
  }

  /** When the work that is under way now has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  #settled(key: Key, tail: Promise<void>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key);
  }
}
