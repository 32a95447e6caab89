import type { ReadStream, WriteStream } from 'node:tty';

/** Control sequences. Source: ECMA-48, and the modes 25, 1049 and 2026 of xterm; a terminal skips modes that it does not know. */
const csi = '\u001b[';
const enter = `${csi}?1049h${csi}?25l`;
const leave = `${csi}?25h${csi}?1049l`;
const beginFrame = `${csi}?2026h${csi}H`;
const endFrame = `${csi}J${csi}?2026l`;
const endLine = `${csi}K`;

const quitKeys = new Set(['q', 'Q', '\u0003', '\u001b']);

/**
 * The other screen of a terminal, drawn over and over: each frame is one write that overwrites the one before, so that
 * nothing flickers. Everything is as it was once it is disposed, which a signal asks for as well.
 */
export class Screen implements Disposable {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #quit = new AbortController();
  readonly #resized: () => void;
  #lines: readonly string[] = [];

  /** `resized` is called when the terminal has another size. */
  constructor(input: ReadStream, output: WriteStream, resized: () => void) {
    this.#input = input;
    this.#output = output;
    this.#resized = resized;
    output.write(enter);
    output.on('resize', resized);
    output.once('error', this.#stop);
    if (input.isTTY) input.setRawMode(true).on('data', this.#key);
    for (const signal of signals) process.once(signal, this.#stop);
  }

  /** Aborts when the user wants to leave. */
  get quit(): AbortSignal {
    return this.#quit.signal;
  }

  get rows(): number {
    return this.#output.rows || 24;
  }

  /** Lines are cut to the width of the terminal. */
  draw(lines: readonly string[]): void {
    this.#lines = lines;
    const columns = this.#output.columns || 80;
    const shown = this.#lines.slice(0, this.rows).map((line) => `${line.slice(0, columns)}${endLine}`);
    this.#output.write(`${beginFrame}${shown.join('\r\n')}${endFrame}`);
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#stop);
    this.#output.off('resize', this.#resized);
    if (this.#input.isTTY) this.#input.setRawMode(false).off('data', this.#key).pause();
    this.#output.write(leave);
  }

  readonly #stop = (): void => this.#quit.abort();

  readonly #key = (key: Buffer): void => {
    if (quitKeys.has(key.toString())) this.#stop();
  };
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
