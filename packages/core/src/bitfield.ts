import { InvalidValueError } from './errors.ts';

/**
 * One bit a piece, most significant bit first, spare bits zero.
 * Source: BEP 3, "peer messages", bitfield.
 */
export class Bitfield {
  readonly length: number;
  readonly #bytes: Uint8Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array(Math.ceil(length / 8));
  }

  /** @throws InvalidValueError when the byte length is wrong or a spare bit is set */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield {
    const field = new Bitfield(length);
    if (bytes.length !== field.#bytes.length)
      throw new InvalidValueError('bitfield', `${bytes.length} bytes`, `${length} pieces take ${field.#bytes.length}`);
    const spare = bytes.length * 8 - length;
    if (spare > 0 && ((bytes.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0)
      throw new InvalidValueError('bitfield', 'a spare bit is set', 'spare bits are zero');
    field.#bytes.set(bytes);
    for (const byte of bytes) field.#count += popCount(byte);
    return field;
  }

  static full(length: number): Bitfield {
    const field = new Bitfield(length);
    for (let index = 0; index < length; index++) field.set(index);
    return field;
  }

  has(index: number): boolean {
    return index >= 0 && index < this.length && ((this.#bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  /** True when the bit was clear before. @throws InvalidValueError outside 0..length-1 */
  set(index: number): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw new InvalidValueError('piece', index, `allowed is 0 to ${this.length - 1}`);
    if (this.has(index)) return false;
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) | (0x80 >> (index & 7));
    this.#count++;
    return true;
  }

  /** True when the bit was set before. */
  clear(index: number): boolean {
    if (index < 0 || index >= this.length || !this.has(index)) return false;
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) & ~(0x80 >> (index & 7));
    this.#count--;
    return true;
  }

  get count(): number {
    return this.#count;
  }

  get complete(): boolean {
    return this.#count === this.length;
  }

  /** The first clear bit at or after `from`, or `length` when there is none. */
  firstMissing(from = 0): number {
    let index = Math.max(0, from);
    while (index < this.length && this.has(index)) index++;
    return Math.min(index, this.length);
  }

  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  clone(): Bitfield {
    return Bitfield.fromBytes(this.#bytes, this.length);
  }
}

const popCount = (byte: number): number => {
  let bits = byte;
  let count = 0;
  for (; bits !== 0; bits &= bits - 1) count++;
  return count;
};
