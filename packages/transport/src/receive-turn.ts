import { MiB } from '@shoal/core';

/** What all connections of a thread may receive in one turn of the event loop: at most some 8 ms of hashing and writing. */
const bytesPerTurnMax = 4 * MiB;

/** What a turn may stop and start again. */
interface Pausable {
  pause(): void;
  resume(): void;
}

/**
 * Leaves the event loop to others: a socket that always has more is read up to 32 times before anything else has its turn
 * (libuv, uv__read). Counts since the last pause and not by turns, so that it costs nothing while little comes.
 */
export class ReceiveTurn {
  readonly #paused: Pausable[] = [];
  #bytes = 0;

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Between two frames: when enough came, nothing more does before the next turn. */
  yield(connection: Pausable): void {
    if (this.#bytes < bytesPerTurnMax) return;
    connection.pause();
    if (this.#paused.push(connection) > 1) return;
    setImmediate(() => {
      this.#bytes = 0;
      // The first had more than a frame of this turn, so it is the last to be polled in the next one.
      const [first, ...others] = this.#paused.splice(0);
      for (const paused of others) paused.resume();
      first?.resume();
    });
  }
}
