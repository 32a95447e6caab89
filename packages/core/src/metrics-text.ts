/** One sample of the Prometheus text format: name, labels, value. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics of one process at one moment. Source: Prometheus, "Text-based format", version 0.0.4. */
export class MetricsSnapshot {
  readonly #samples: readonly Sample[];

  constructor(text: string) {
    this.#samples = text
      .split('\n')
      .map((line) => /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = '', labels = '', value = '']) => ({ name, labels: parseLabels(labels), value: Number(value) }));
  }

  /** The sum over all samples of that name whose labels match; 0 when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
      .reduce((sum, sample) => sum + sample.value, 0);
  }

  has(name: string): boolean {
    return this.#samples.some((sample) => sample.name === name);
  }

  /** A label of the first sample of that name. */
  label(name: string, label: string): string | undefined {
    return this.#samples.find((sample) => sample.name === name)?.labels[label];
  }
}

const parseLabels = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', value = '']) => [key, value]));
