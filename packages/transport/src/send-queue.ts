import type { Connection } from './connection.ts';

/**
 * So many frames do not wait for the end of the turn. Fewer than the pieces that are asked of one peer at a time, so
 * that it never runs dry while a turn lasts.
 */
export const framesWaitingMax = 3;

/**
 * Gathers frames into one write. process.nextTick, and not setImmediate: a HAVE then leaves after the piece that caused
 * it, and not after all other sockets have been read. But a turn reads up to 8 MiB from a socket that is full, and a
 * REQUEST for each piece of them would cost both sides a system call and the sender a wake-up: what may wait gathers.
 */
export class SendQueue {
  readonly #connection: Pick<Connection, 'queuedBytes' | 'write'>;
  readonly #bytesMax: number;
  readonly #overflow: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #tickQueued = false;

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

  /** @param mayWait until the turn ends or a few frames have gathered */
  push(frame: Uint8Array, mayWait = false): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (mayWait && this.#frames.length < framesWaitingMax) {
      this.#turn ??= setImmediate(() => this.#turnEnds());
      return;
    }
    if (this.#tickQueued) return;
    this.#tickQueued = true;
    process.nextTick(() => {
      this.#tickQueued = false;
      this.#flushBounded();
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
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #turnEnds(): void {
    this.#turn = undefined;
    this.#flushBounded();
  }

  #flushBounded(): void {
    if (this.queuedBytes > this.#bytesMax) this.#overflow();
    else this.flush();
  }
}
