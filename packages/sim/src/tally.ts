/** What a world counts, and a running hash of everything that happened: equal seeds have equal hashes. */
export class Tally {
  originBytes = 0;
  agentBytes = 0;
  /** Bytes that were moved to agents and not needed: duplicates, cancelled parts, corrupt pieces. */
  wastedBytes = 0;
  corruptPieces = 0;
  refusals = 0;
  starved = 0;
  dropped = 0;
  requests = 0;
  cancels = 0;
  #hash = 0x811c_9dc5;

  /** FNV-1a over the numbers of one happening. Source: draft-eastlake-fnv. */
  record(timeMs: number, kind: number, a: number, b: number, piece: number): void {
    let hash = this.#hash;
    for (const value of [Math.round(timeMs * 1e6) % 0x1_0000_0000, kind, a, b, piece])
      hash = Math.imul(hash ^ value, 0x0100_0193) >>> 0;
    this.#hash = hash;
  }

  get trace(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }
}
