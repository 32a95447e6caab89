import type { Connection } from './connection.ts';

/**
 * Gathers the frames of one event-loop turn into one write. process.nextTick, and not setImmediate: a HAVE then
 * leaves after the piece that caused it, and not after all other sockets have been read. Letting REQUESTs wait for a few
 * more of their kind saved no CPU that could be measured, and agents then lean more on the origin.
 */
export class SendQueue {
  readonly #connection: Pick<Connection, 'queuedBytes' | 'write'>;
  readonly #bytesMax: number;
  readonly #overflow: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #flushQueued = false;

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

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#flushQueued) return;
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
    this.#frames = [];
    this.#bytes = 0;
    this.#connection.write(frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames));
  }

  /** Forgets what waits. */
  drop(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
