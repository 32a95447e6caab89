import { InvalidValueError, MiB } from '@shoal/core';
import { chunkBytesMax, dataHeaderBytes, encodeDataHeader } from '@shoal/protocol';
import { ChunkWriter, type Wire } from './chunk-writer.ts';
import type { Log } from './log.ts';
import type { Throttle } from './throttle.ts';
import { TransferQueue } from './transfer-queue.ts';
import type { Transfer, TransferHandle, Uplink } from './uplink.ts';

/** After so many bytes the event loop gets its turn: a fast receiver would otherwise keep it from everyone else. */
const bytesPerTurnMax = { direct: 2 * MiB, copied: MiB };

export interface UplinkSenderOptions {
  readonly throttle?: Throttle | undefined;
  readonly log: Log;
  /** The longest payload of a frame that the peer takes. */
  readonly chunkBytes?: number;
}

class Running implements TransferHandle {
  readonly transfer: Transfer;
  readonly length: number;
  readonly #chunkBytes: number;
  /** Bytes read and given to the socket. */
  read = 0;
  /** Bytes that the kernel has taken. */
  written = 0;
  /** Its own limit admits it. */
  readonly admitted: () => void;

  constructor(transfer: Transfer, chunkBytes: number, admitted: (running: Running) => void) {
    this.#chunkBytes = chunkBytes;
    this.transfer = transfer;
    this.length = transfer.length;
    this.admitted = () => admitted(this);
  }

  get nextLength(): number {
    return Math.min(this.#chunkBytes, this.length - this.read);
  }
}

/** Sends transfers over the data connection that a peer dialled. */
export class UplinkSender implements Uplink {
  readonly #wire: Wire;
  readonly #writer: ChunkWriter;
  readonly #throttle: Throttle | undefined;
  readonly #chunkBytes: number;
  readonly #running = new Set<Running>();
  readonly #queue = new TransferQueue<Running>();
  readonly #admitted = (): void => this.#afterWait();
  readonly #paid = (running: Running): void => {
    this.#toQueue(running);
    this.#pump();
  };
  /**
   * A chunk waits for the kernel. One is enough: when its write ends the socket is full of it. A second one would only be
   * out of the CPU's cache by then (a twelfth more CPU), or encrypted before its time, and hold up a small blob.
   */
  #inFlight = false;
  #taken = 0;
  #turnBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #pumpQueued = false;
  #pumping = false;
  #waiting = false;
  #open = true;

  constructor(wire: Wire, { throttle, log, chunkBytes = chunkBytesMax }: UplinkSenderOptions) {
    this.#wire = wire;
    this.#writer = new ChunkWriter(wire, log);
    this.#throttle = throttle;
    this.#chunkBytes = chunkBytes;
  }

  /** Chunks that the kernel has taken, or undefined while none waits for it. */
  get chunksTaken(): number | undefined {
    return this.#inFlight ? this.#taken : undefined;
  }

  get running(): number {
    return this.#running.size;
  }

  start(transfer: Transfer): TransferHandle {
    check(transfer);
    const running = new Running(transfer, this.#chunkBytes, this.#paid);
    if (!this.#open) {
      queueMicrotask(() => transfer.onEnd(false));
      return running;
    }
    this.#running.add(running);
    this.#lineUp(running);
    this.#pumpSoon();
    return running;
  }

  cancel(handle: TransferHandle): void {
    if (handle instanceof Running && this.#takeOut(handle)) this.#abort(handle);
  }

  /** The connection is gone. */
  close(): void {
    this.#open = false;
    clearImmediate(this.#turn);
    const lost = [...this.#running];
    this.#running.clear();
    for (const running of lost) this.#takeOut(running);
    for (const { transfer } of lost) transfer.onEnd(false);
  }

  /** Whoever has a limit of its own pays for the next chunk before it stands in line, so that no other waits behind it. */
  #lineUp(running: Running): void {
    if (running.transfer.throttle?.admit(running.admitted) !== false) this.#toQueue(running);
  }

  #toQueue(running: Running): void {
    running.transfer.throttle?.spend(running.nextLength);
    this.#queue.add(running);
  }

  /** True when it was in line, or waited for its own limit. */
  #takeOut(running: Running): boolean {
    const { throttle } = running.transfer;
    if (throttle?.leave(running.admitted)) return true;
    if (!this.#queue.remove(running)) return false;
    throttle?.spend(-running.nextLength);
    return true;
  }

  /** Transfers that start together are all in line before the first chunk is chosen. */
  #pumpSoon(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    process.nextTick(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  /** What ends while it runs may want the next one to be sent: there is one loop, which goes on. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#mayGoOn()) this.#sendNext();
    } finally {
      this.#pumping = false;
    }
  }

  #mayGoOn(): boolean {
    if (!this.#open || this.#waiting || this.#inFlight || this.#queue.size === 0) return false;
    if (this.#turnBytes >= bytesPerTurnMax[this.#writer.direct ? 'direct' : 'copied']) return this.#goOnLater();
    this.#waiting = this.#throttle?.admit(this.#admitted) === false;
    return !this.#waiting;
  }

  #afterWait(): void {
    this.#waiting = false;
    if (this.#open) this.#sendNext();
    this.#pump();
  }

  #sendNext(): void {
    const running = this.#queue.take();
    if (!running) return;
    const { transfer } = running;
    const length = running.nextLength;
    let useful = length;
    const written = (ok: boolean): void => this.#written(running, useful, ok);
    const outcome = this.#writer.write(transfer, transfer.offset + running.read, length, written);
    if (outcome === 'unreadable') return this.#abort(running);
    running.read += length;
    if (outcome === 'spoiled') {
      useful = 0;
      this.#count(length);
      return this.#abort(running);
    }
    if (this.#open && running.read < transfer.length) this.#lineUp(running);
    this.#count(length);
    if (outcome === 'taken') written(true);
  }

  #count(bytes: number): void {
    this.#inFlight = true;
    this.#throttle?.spend(bytes);
    this.#turnBytes += bytes;
  }

  /** A turn of the event loop is only taken when it is due: it costs as much as a small chunk. */
  #goOnLater(): false {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#turnBytes = 0;
      this.#pump();
    });
    return false;
  }

  #written(running: Running, bytes: number, ok: boolean): void {
    this.#inFlight = false;
    this.#taken++;
    if (!ok || !this.#open) return;
    running.written += bytes;
    if (this.#running.has(running)) running.transfer.onProgress?.(bytes);
    if (running.written === running.length) this.#end(running, true);
    this.#pump();
  }

  /** DATA without payload tells the receiver that no more of this transfer comes. */
  #abort(running: Running): void {
    const { channel, piece, offset } = running.transfer;
    const frame = new Uint8Array(dataHeaderBytes);
    encodeDataHeader({ channel, piece, offset: offset + running.read, length: 0 }, frame);
    this.#wire.write(frame, () => this.#end(running, false));
  }

  #end(running: Running, ok: boolean): void {
    if (this.#running.delete(running)) running.transfer.onEnd(ok);
  }
}

/** @throws InvalidValueError for what no DATA frame could carry */
const check = ({ channel, piece, offset, length }: Transfer): void => {
  if (!Number.isSafeInteger(length) || length < 1)
    throw new InvalidValueError('length', length, 'allowed is 1 or more');
  encodeDataHeader({ channel, piece, offset: offset + length, length: 0 }, new Uint8Array(dataHeaderBytes));
};
