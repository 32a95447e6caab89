/** What a world counts, and a running hash of everything that happened: equal seeds have equal hashes. */
export class Tally {
  originBytes = 0;
  agentBytes = 0;
  /** Of both, what went from one zone to another. */
  crossBytes = 0;
  /** Bytes that were moved to agents and not needed: duplicates, cancelled parts, corrupt pieces. */
  wastedBytes = 0;
  /** Pieces that arrived corrupt, and of them those that a leech took for good: there are none. */
  corruptPieces = 0;
  corruptAccepted = 0;
  messages = 0;
  refusals = 0;
  starved = 0;
  dropped = 0;
  requests = 0;
  cancels = 0;
  #hash = 0x811c_9dc5;

  /** FNV-1a over the numbers of one happening. Source: draft-eastlake-fnv. */
  record(timeMs: number, kind: number, a: number, b: number): void {
    let hash = Math.imul(this.#hash ^ (timeMs * 1e6), 0x0100_0193);
    hash = Math.imul(hash ^ ((a << 4) | kind), 0x0100_0193);
    this.#hash = Math.imul(hash ^ b, 0x0100_0193);
  }

  get trace(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }
}
