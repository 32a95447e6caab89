import type { Counter } from 'prom-client';

const tallies = new WeakMap<Counter, Tally[]>();

/**
 * Counts in a plain number what happens with every piece or chunk, and adds it to one series of a counter when that is
 * read: to find a series by its labels costs more than what is counted.
 */
export class Tally {
  readonly #flush: (count: number) => void;
  #count = 0;

  constructor(counter: Counter, labels: Readonly<Record<string, string>>) {
    this.#flush = (count) => counter.inc(labels, count);
    const all = tallies.get(counter) ?? [];
    all.push(this);
    tallies.set(counter, all);
    // prom-client calls it whenever the counter is read.
    (counter as Counter & { collect: () => void }).collect = () => {
      for (const tally of all) tally.flush();
    };
  }

  add(count: number): void {
    this.#count += count;
  }

  flush(): void {
    if (this.#count === 0) return;
    this.#flush(this.#count);
    this.#count = 0;
  }
}
