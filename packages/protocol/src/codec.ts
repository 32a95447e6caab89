import { InvalidValueError } from '@shoal/core';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { Message, MessageType } from './messages.ts';

export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;

/** How one type of message stands in a frame: encoder and decoder side by side. */
export interface Codec<T extends MessageType> {
  /** The frame's type byte. */
  readonly code: number;
  /** The longest body in bytes, checked before anything is allocated. */
  readonly bytesMax: number;
  /** @throws InvalidValueError */
  write(out: ByteWriter, message: MessageOf<T>): void;
  /** @throws ProtocolError */
  read(input: ByteReader): MessageOf<T>;
}

export type Codecs<T extends MessageType> = { readonly [K in T]: Codec<K> };

/** A closed list of names, each standing on the wire as its place in the list. */
export class NameTable<N extends string> {
  readonly #field: string;
  readonly #names: readonly N[];

  constructor(field: string, names: readonly N[]) {
    this.#field = field;
    this.#names = names;
  }

  write(out: ByteWriter, name: N): void {
    const index = this.#names.indexOf(name);
    if (index < 0) throw new InvalidValueError(this.#field, name, this.#names.join(', '));
    out.u8(index, this.#field);
  }

  read(input: ByteReader): N {
    const index = input.u8(this.#field);
    return this.#names[index] ?? input.fail(`${this.#field} ${index} is unknown`);
  }
}
