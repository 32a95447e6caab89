/** Who does not answer at present, so that an outage is one event and not one a request. Keys come from the configuration. */
export class Outages {
  readonly #down = new Set<string>();

  /** True for the first failure since it last answered. */
  began(who: string): boolean {
    if (this.#down.has(who)) return false;
    this.#down.add(who);
    return true;
  }

  /** True when it had failed. */
  ended(who: string): boolean {
    return this.#down.delete(who);
  }
}
