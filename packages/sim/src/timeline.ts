/** Rows of the heat map: equal parts of the blob. */
const rows = 48;

/** When pieces came to be, counted in narrow columns that are doubled in width when there are too many. */
export class Timeline {
  readonly #columnsMax = 512;
  #columnMs = 1;
  /** Pieces gained, by column and row. */
  #counts = new Float64Array(this.#columnsMax * rows);
  #last = 0;
  /** All of them. */
  pieces = 0;

  /** A node verified the piece that stands at `place` (0 to 1) of its blob. */
  gained(nowMs: number, place: number): void {
    this.pieces++;
    let column = Math.floor(nowMs / this.#columnMs);
    while (column >= this.#columnsMax) {
      this.#halve();
      column = Math.floor(nowMs / this.#columnMs);
    }
    const row = Math.min(rows - 1, Math.floor(place * rows));
    const at = column * rows + row;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    if (column > this.#last) this.#last = column;
  }

  get columnMs(): number {
    return this.#columnMs;
  }

  /** Pieces gained in each column, over all rows. */
  get gains(): number[] {
    return Array.from({ length: this.#last + 1 }, (_, column) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += this.#counts[column * rows + row] ?? 0;
      return sum;
    });
  }

  /** By column: the share (0 to 1) of its copies that each row has by then. */
  availability(): number[][] {
    const totals = Array.from({ length: rows }, (_, row) => {
      let sum = 0;
      for (let column = 0; column <= this.#last; column++) sum += this.#counts[column * rows + row] ?? 0;
      return sum;
    });
    const so = totals.map(() => 0);
    return Array.from({ length: this.#last + 1 }, (_, column) =>
      totals.map((total, row) => {
        so[row] = (so[row] ?? 0) + (this.#counts[column * rows + row] ?? 0);
        return total === 0 ? 0 : (so[row] ?? 0) / total;
      }),
    );
  }

  #halve(): void {
    const counts = new Float64Array(this.#columnsMax * rows);
    for (let column = 0; column < this.#columnsMax; column++) {
      for (let row = 0; row < rows; row++) {
        const at = (column >> 1) * rows + row;
        counts[at] = (counts[at] ?? 0) + (this.#counts[column * rows + row] ?? 0);
      }
    }
    this.#counts = counts;
    this.#columnMs *= 2;
    this.#last >>= 1;
  }
}
