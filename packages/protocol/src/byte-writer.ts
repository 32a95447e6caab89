import { InvalidValueError } from '@shoal/core';

/** Appends big-endian numbers, bytes and texts; every bound that a decoder checks is checked here too. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** @param into where the bytes go, as long as they fit */
  constructor(into: Uint8Array = new Uint8Array(64)) {
    this.#bytes = into;
  }

  u8(value: number, field: string, max = 0xff): void {
    this.#number(value, 1, field, max);
  }

  u16(value: number, field: string, max = 0xffff): void {
    this.#number(value, 2, field, max);
  }

  u32(value: number, field: string, max = 0xffff_ffff): void {
    this.#number(value, 4, field, max);
  }

  u64(value: number, field: string): void {
    this.#number(value, 8, field, Number.MAX_SAFE_INTEGER);
  }

  bytes(value: Uint8Array): void {
    const at = this.#claim(value.length);
    this.#bytes.set(value, at);
  }

  fixed(value: Uint8Array, length: number, field: string): void {
    if (value.length !== length)
      throw new InvalidValueError(field, `${value.length} bytes`, `allowed are ${length} bytes`);
    this.bytes(value);
  }

  /** A u16 length and UTF-8 of at most `bytesMax` bytes. */
  text(value: string, field: string, bytesMax: number): void {
    const encoded = utf8.encode(value);
    if (encoded.length > bytesMax)
      throw new InvalidValueError(field, value, `allowed are up to ${bytesMax} bytes of UTF-8`);
    this.u16(encoded.length, field);
    this.bytes(encoded);
  }

  /**
   * What was written; the writer is of no use afterwards. A copy: a small array lies in V8's heap until somebody wants its buffer, as
   * a view of a part does, and that makes it cost six times as much.
   */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #number(value: number, width: number, field: string, max: number): void {
    if (!Number.isInteger(value) || value < 0 || value > max)
      throw new InvalidValueError(field, value, `allowed is 0 to ${max}`);
    const at = this.#claim(width);
    let rest = value;
    for (let index = at + width - 1; index >= at; index--) {
      this.#bytes[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  #claim(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

const utf8 = new TextEncoder();
