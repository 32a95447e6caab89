import { ProtocolError } from './protocol-error.ts';

/**
 * Reads what ByteWriter wrote, out of bytes that only live as long as the call: whatever it returns is copied.
 * @throws ProtocolError, naming the message and the field, from every method
 */
export class ByteReader {
  readonly #message: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(message: string, bytes: Uint8Array) {
    this.#message = message;
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(field: string, max = 0xff): number {
    return this.#number(1, field, max);
  }

  u16(field: string, max = 0xffff): number {
    return this.#number(2, field, max);
  }

  u32(field: string, max = 0xffff_ffff): number {
    return this.#number(4, field, max);
  }

  u64(field: string): number {
    return this.#number(8, field, Number.MAX_SAFE_INTEGER);
  }

  bytes(length: number, field: string): Uint8Array {
    // Not slice(): of a Buffer that would be a view of memory that is received into again.
    return new Uint8Array(this.#take(length, field));
  }

  /** A u16 length and UTF-8 of at most `bytesMax` bytes. */
  text(field: string, bytesMax: number): string {
    const length = this.u16(field, bytesMax);
    try {
      return utf8.decode(this.#take(length, field));
    } catch {
      return this.fail(`${field}: ${length} bytes are no UTF-8`);
    }
  }

  /** @throws ProtocolError when bytes are left: a field that this version does not know would be lost */
  end(): void {
    if (this.remaining > 0) this.fail(`${this.remaining} bytes too many`);
  }

  fail(what: string): never {
    throw new ProtocolError(`${this.#message}: ${what}`);
  }

  #number(width: number, field: string, max: number): number {
    const end = this.#claim(width, field);
    let value = 0;
    // Multiplied, as a shift would end at 32 bits.
    for (let at = end - width; at < end; at++) value = value * 256 + (this.#bytes[at] ?? 0);
    if (value > max) this.fail(`${field} ${value} is over ${max}`);
    return value;
  }

  #take(length: number, field: string): Uint8Array {
    const end = this.#claim(length, field);
    return this.#bytes.subarray(end - length, end);
  }

  /** Answers where the bytes end. */
  #claim(length: number, field: string): number {
    if (length > this.remaining) this.fail(`ends inside ${field}`);
    return (this.#at += length);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
