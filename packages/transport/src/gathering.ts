import { chunkBytesMax } from '@shoal/protocol';

/** Slices of at least so many bytes are passed on as they come. */
const passedOnMin = chunkBytesMax / 4;

let buffer: Uint8Array | undefined;
/** Whose bytes are in the buffer, and how many. */
let owner: Gathering | undefined;
let gathered = 0;

/**
 * Puts the payload of a frame together again: TLS delivers records of 16 KiB, and to hash and write each by itself costs
 * more than to copy it. One buffer serves all connections of the thread, as it stays in the CPU's cache; whose turn it is
 * passes on what another has left there.
 */
export class Gathering {
  readonly #take: (bytes: Uint8Array) => void;

  /** @param take does not throw; the bytes are valid during the call */
  constructor(take: (bytes: Uint8Array) => void) {
    this.#take = take;
  }

  add(bytes: Uint8Array): void {
    if (owner !== this || gathered + bytes.length > chunkBytesMax) owner?.end();
    if (owner === undefined && bytes.length >= passedOnMin) return this.#take(bytes);
    // A zero goes before them: whoever hashes a leaf with its prefix has both in one place.
    buffer ??= new Uint8Array(new ArrayBuffer(1 + chunkBytesMax), 1);
    buffer.set(bytes, gathered);
    // eslint-disable-next-line typescript/no-this-alias
    owner = this;
    gathered += bytes.length;
  }

  /** The frame ends here: what is left is passed on. */
  end(): void {
    if (owner !== this || !buffer) return;
    const bytes = buffer.subarray(0, gathered);
    this.drop();
    this.#take(bytes);
  }

  /** Nobody waits for the rest any more. */
  drop(): void {
    if (owner !== this) return;
    owner = undefined;
    gathered = 0;
  }
}
