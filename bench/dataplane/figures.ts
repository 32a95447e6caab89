/** Samples by the name of a figure. Names end in their unit: `MBps`, `cpuPerGB`, `ms`, `rps`, `MB`. */
export class Figures {
  readonly #samples = new Map<string, number[]>();
  readonly #skipped: string[] = [];

  add(name: string, value: number): void {
    const samples = this.#samples.get(name) ?? [];
    samples.push(value);
    this.#samples.set(name, samples);
  }

  /** Throughput of a transfer, and what it cost each process, in CPU seconds per 10^9 bytes. */
  addTransfer(name: string, bytes: number, seconds: number, cpu: Readonly<Record<string, number>>): void {
    this.add(`${name}.MBps`, bytes / 1e6 / seconds);
    for (const [role, spent] of Object.entries(cpu)) this.add(`${name}.${role}.cpuPerGB`, (spent / bytes) * 1e9);
  }

  skip(reason: string): void {
    if (!this.#skipped.includes(reason)) this.#skipped.push(reason);
  }

  get skipped(): readonly string[] {
    return this.#skipped;
  }

  median(name: string): number | undefined {
    const sorted = this.#samples.get(name)?.toSorted((a, b) => a - b);
    return sorted && medianOf(sorted);
  }

  *[Symbol.iterator](): Generator<{ name: string; median: number; min: number; max: number; samples: number }> {
    for (const [name, values] of this.#samples) {
      const sorted = values.toSorted((a, b) => a - b);
      yield { name, median: medianOf(sorted), min: sorted[0]!, max: sorted.at(-1)!, samples: sorted.length };
    }
  }
}

export const medianOf = (sorted: readonly number[]): number =>
  (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
