import { chunkBytesMax } from '@shoal/protocol';

/** So many small transfers go before the large ones get a chunk: a stream of small pieces must not starve them. */
export const smallInARowMax = 4;

/**
 * Whose chunk is next on a connection. Transfers of at most one chunk go first, the smallest first; the others take
 * turns. Decides only; it knows no socket.
 */
export class TransferQueue<T extends { readonly length: number }> {
  readonly #small: T[] = [];
  readonly #large: T[] = [];
  #smallInARow = 0;

  get size(): number {
    return this.#small.length + this.#large.length;
  }

  add(transfer: T): void {
    if (transfer.length > chunkBytesMax) return void this.#large.push(transfer);
    const place = this.#small.findIndex(({ length }) => length > transfer.length);
    this.#small.splice(place < 0 ? this.#small.length : place, 0, transfer);
  }

  /** Takes out whose turn it is; `add` puts it back, at the end of its line, if more is to come. */
  take(): T | undefined {
    const smallFirst = this.#large.length === 0 || this.#smallInARow < smallInARowMax;
    const small = smallFirst ? this.#small.shift() : undefined;
    this.#smallInARow = small ? this.#smallInARow + 1 : 0;
    return small ?? this.#large.shift();
  }

  /** True when it was waiting. */
  remove(transfer: T): boolean {
    return dropFrom(this.#small, transfer) || dropFrom(this.#large, transfer);
  }
}

const dropFrom = <T>(list: T[], entry: T): boolean => {
  const index = list.indexOf(entry);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
};
