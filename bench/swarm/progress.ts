import type { Pull } from './client.ts';

const width = 30;
const drawnEveryMs = 200;
const lineEveryMs = 5000;

/** What a live view shows. */
export interface Watched {
  /** 0 to 1: of the blob, what the agents have on average. */
  readonly share: () => number;
  readonly pulls: readonly Pull[];
}

/** A live view on stderr: a bar drawn over and over on a terminal, a line every five seconds elsewhere. */
export class Progress {
  readonly #live = process.stderr.isTTY;
  #timer: NodeJS.Timeout | undefined;

  /** What the bench does before and after the swarm runs. */
  say(text: string): void {
    process.stderr.write(this.#live ? `\r\u001B[K${text}\n` : `${text}\n`);
  }

  watch(watched: Watched): void {
    const fromMs = performance.now();
    const draw = (): void => {
      const line = progressLine((performance.now() - fromMs) / 1000, watched.share(), watched.pulls);
      process.stderr.write(this.#live ? `\r${line}\u001B[K` : `${line}\n`);
    };
    this.#timer = setInterval(draw, this.#live ? drawnEveryMs : lineEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#live) process.stderr.write('\r\u001B[K');
  }
}

/** `  12.3 s [############..................] 41 % at the agents; 32 clients reading, 3 done`. */
export const progressLine = (seconds: number, share: number, pulls: readonly Pull[]): string => {
  const done = pulls.filter(({ doneMs }) => doneMs !== undefined).length;
  const reading = pulls.filter(({ firstByteMs, doneMs }) => firstByteMs !== undefined && doneMs === undefined).length;
  const full = Math.round(share * width);
  const bar = '#'.repeat(full) + '.'.repeat(Math.max(0, width - full));
  const percent = Math.floor(share * 100);
  return `${seconds.toFixed(1).padStart(6)} s [${bar}] ${percent} % at the agents; ${reading} clients reading, ${done} done`;
};
