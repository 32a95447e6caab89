import { ByteReader } from './byte-reader.ts';
import { chunkBytesMax, frameBytesMax, handshakeFrameBytesMax } from './limits.ts';
import type { DataHeader, Message } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';
import {
  dataHeaderBytes,
  dataType,
  decodeDataHeader,
  frameHeadBytes,
  messageKinds,
  type MessageKind,
  type Phase,
} from './wire.ts';

/** Where a decoder's findings go, from inside `push`. */
export interface FrameSink {
  message(message: Message): void;
  /** Then `dataBytes` until `header.length` bytes have come, then `dataEnd`. */
  dataBegin(header: DataHeader): void;
  /** A subarray of what was pushed. */
  dataBytes(bytes: Uint8Array): void;
  dataEnd(): void;
}

/**
 * Turns slices of a byte stream, cut anywhere, into messages and DATA. Holds at most one frame other than DATA,
 * allocated after its length was checked; payload is passed on as it comes, never held or copied.
 */
export class FrameDecoder {
  /** What is allowed now; the sink may change it from inside a call, and the next frame is judged by it. */
  phase: Phase = 'handshake';
  readonly #sink: FrameSink;
  readonly #head = new Uint8Array(dataHeaderBytes);
  #headLength = 0;
  #headWanted = frameHeadBytes;
  #kind: MessageKind | undefined;
  #body: Uint8Array | undefined;
  #bodyLength = 0;
  /** Bytes of the current body or payload that are still to come. */
  #missing = 0;
  #state: 'head' | 'body' | 'payload' | 'skip' = 'head';
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes held for a frame that has not ended. */
  get heldBytes(): number {
    return this.#headLength + (this.#body?.length ?? 0);
  }

  /** Ignores the rest of the slice being pushed and all that is pushed later. */
  stop(): void {
    this.#stopped = true;
    this.#body = undefined;
  }

  /** @throws ProtocolError; the decoder is stopped then. What the sink throws passes through. */
  push(bytes: Uint8Array): void {
    let at = 0;
    try {
      while (at < bytes.length && !this.#stopped)
        at = this.#state === 'head' ? this.#readHead(bytes, at) : this.#readRest(bytes, at);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const count = Math.min(this.#headWanted - this.#headLength, bytes.length - at);
    this.#head.set(bytes.subarray(at, at + count), this.#headLength);
    this.#headLength += count;
    if (this.#headLength === this.#headWanted) this.#headDone();
    return at + count;
  }

  #headDone(): void {
    if (this.#headWanted === dataHeaderBytes) return this.#beginData();
    const input = new ByteReader('frame', this.#head.subarray(0, frameHeadBytes));
    const length = input.u32('length');
    const type = input.u8('type');
    if (length === 0) throw new ProtocolError('frame: length 0 leaves no place for the type');
    if (type === dataType) return this.#expectData(length);
    const lengthMax = this.phase === 'control' ? frameBytesMax : handshakeFrameBytesMax;
    if (length > lengthMax) throw new ProtocolError(`frame: length ${length} is over ${lengthMax}`);
    return this.#beginBody(messageKinds.get(type), length - 1);
  }

  #expectData(length: number): void {
    if (this.phase !== 'data') throw new ProtocolError(`DATA is not allowed on a ${this.phase} connection`);
    const payload = length - (dataHeaderBytes - 4);
    if (payload < 0 || payload > chunkBytesMax) throw new ProtocolError(`DATA: length ${length} is out of bounds`);
    this.#headWanted = dataHeaderBytes;
  }

  #beginData(): void {
    const header = decodeDataHeader(this.#head);
    this.#enter('payload', header.length);
    this.#sink.dataBegin(header);
    if (header.length === 0) this.#endRest();
  }

  #beginBody(kind: MessageKind | undefined, length: number): void {
    this.#kind = kind;
    if (kind && !kind.phases.includes(this.phase))
      throw new ProtocolError(`${kind.name} is not allowed in the ${this.phase} phase`);
    if (kind && length > kind.bytesMax)
      throw new ProtocolError(`${kind.name}: ${length} bytes are over ${kind.bytesMax}`);
    this.#enter(kind ? 'body' : 'skip', length);
    if (length === 0) this.#endRest();
  }

  #enter(state: 'body' | 'payload' | 'skip', length: number): void {
    this.#state = state;
    this.#missing = length;
    this.#headLength = 0;
    this.#headWanted = frameHeadBytes;
  }

  #readRest(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + Math.min(this.#missing, bytes.length - at));
    this.#missing -= part.length;
    if (this.#state === 'payload') this.#sink.dataBytes(part);
    if (this.#state === 'body') this.#hold(part);
    if (this.#missing === 0) this.#endRest();
    return at + part.length;
  }

  /** A body that lies in one slice is decoded from there; one that is cut is gathered first. */
  #hold(part: Uint8Array): void {
    if (!this.#body && this.#missing === 0) {
      this.#body = part;
      return;
    }
    this.#body ??= new Uint8Array(part.length + this.#missing);
    this.#body.set(part, this.#bodyLength);
    this.#bodyLength += part.length;
  }

  #endRest(): void {
    const state = this.#state;
    const body = this.#body ?? empty;
    this.#state = 'head';
    this.#body = undefined;
    this.#bodyLength = 0;
    if (this.#stopped) return;
    if (state === 'payload') this.#sink.dataEnd();
    if (state === 'body' && this.#kind) this.#sink.message(this.#kind.decode(body));
  }
}

const empty = new Uint8Array(0);
