import { formatBytes } from '@shoal/core';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** What the pulls of the demo report to while they run. */
export interface ProgressView {
  add(agent: string, bytes: number): void;
  stop(): void;
}

const linesIntervalMs = 2000;

/** Bars where standard output is a terminal, a plain line every two seconds elsewhere. */
export const progressView = (agents: readonly string[], bytesEach: number): ProgressView =>
  process.stdout.isTTY ? new Bars(agents, bytesEach) : new Lines(agents, bytesEach);

class Bars implements ProgressView {
  readonly #multi: MultiBar;
  readonly #bars: ReadonlyMap<string, SingleBar>;
  readonly #received = new Map<string, number>();

  constructor(agents: readonly string[], bytesEach: number) {
    const format = '{agent} {bar} {percentage}%  {bytes}';
    this.#multi = new MultiBar({ format, hideCursor: true, barsize: 40, fps: 8 }, Presets.shades_classic);
    this.#bars = new Map(
      agents.map((agent) => [agent, this.#multi.create(bytesEach, 0, { agent: agent.padEnd(9), bytes: '' })]),
    );
  }

  add(agent: string, bytes: number): void {
    const received = (this.#received.get(agent) ?? 0) + bytes;
    this.#received.set(agent, received);
    this.#bars.get(agent)?.update(received, { bytes: formatBytes(received) });
  }

  stop(): void {
    this.#multi.stop();
  }
}

class Lines implements ProgressView {
  readonly #received: Map<string, number>;
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();

  constructor(agents: readonly string[], bytesEach: number) {
    this.#received = new Map(agents.map((agent) => [agent, 0]));
    this.#timer = setInterval(() => {
      const shares = [...this.#received].map(([agent, bytes]) => `${agent} ${Math.floor((100 * bytes) / bytesEach)}%`);
      console.log(`  ${((performance.now() - this.#startMs) / 1000).toFixed(1).padStart(5)} s  ${shares.join('  ')}`);
    }, linesIntervalMs);
  }

  add(agent: string, bytes: number): void {
    this.#received.set(agent, (this.#received.get(agent) ?? 0) + bytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
