import type { Connection } from './connection.ts';
import type { SendOptions } from './link.ts';

/** So many lazy frames wait for each other: a peer with nothing but their like to do wakes up less often. */
const lazyFramesMax = 3;

/**
 * Gathers the frames of one event-loop turn into one write. process.nextTick, and not setImmediate: a HAVE then
 * leaves after the piece that caused it, and not after all other sockets have been read. A lazy frame waits for others,
 * for a few of its kind, or for the end of the turn.
 */
export class SendQueue {
  readonly #connection: Pick<Connection, 'queuedBytes' | 'write'>;
  readonly #bytesMax: number;
  readonly #overflow: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #flushQueued = false;
  /** Lazy frames that wait, and what sends them in any case. */
  #lazy = 0;
  #lazyFlush: NodeJS.Immediate | undefined;

  /** @param overflow more than `bytesMax` wait; called outside `push` */
  constructor(connection: Pick<Connection, 'queuedBytes' | 'write'>, bytesMax: number, overflow: () => void) {
    this.#connection = connection;
    this.#bytesMax = bytesMax;
    this.#overflow = overflow;
  }

  /** Bytes that wait here or in the socket for the kernel. */
  get queuedBytes(): number {
    return this.#bytes + this.#connection.queuedBytes;
  }

  push(frame: Uint8Array, { lazy = false }: SendOptions = {}): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#flushQueued) return;
    if (lazy && ++this.#lazy < lazyFramesMax) {
      this.#lazyFlush ??= setImmediate(() => this.#flushSoon());
      return;
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    this.#flushQueued = true;
    process.nextTick(() => {
      this.#flushQueued = false;
      if (this.queuedBytes > this.#bytesMax) this.#overflow();
      else this.flush();
    });
  }

  flush(): void {
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.drop();
    this.#connection.write(frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames));
  }

  /** Forgets what waits. */
  drop(): void {
    clearImmediate(this.#lazyFlush);
    this.#lazyFlush = undefined;
    this.#lazy = 0;
    this.#frames = [];
    this.#bytes = 0;
  }
}
