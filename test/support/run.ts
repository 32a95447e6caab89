import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Most bytes of output; 16 MiB if absent. */
  readonly bytesMax?: number;
  /** Kills it at once. */
  readonly signal?: AbortSignal;
}

/** The standard output of a command. @throws Error with its standard error when it fails or takes too long */
export const run = async (command: string, args: readonly string[], options: RunOptions = {}): Promise<string> => {
  const { stdout } = await execute(command, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
    ...(options.signal && { signal: options.signal }),
    maxBuffer: options.bytesMax ?? 16 * 1024 * 1024,
  });
  return stdout;
};

/** A command that runs beside the test. */
export class Background {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly exited: Promise<number | null>;
  readonly #output = new EventEmitter();

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    const env = { ...process.env, ...options.env };
    this.child = spawn(command, args, { env, cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const output of [this.child.stdout, this.child.stderr]) {
      if (output) createInterface({ input: output }).on('line', (line) => this.#read(line));
    }
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
    void this.exited.finally(() => this.#output.emit('end'));
  }

  get text(): string {
    return this.lines.join('\n');
  }

  #read(line: string): void {
    this.lines.push(line);
    this.#output.emit('line', line);
  }

  /** Waits for a line of its output that matches. @throws Error with the output when it ends or 60 s pass before */
  async printed(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    const earlier = this.lines.find((line) => pattern.test(line));
    if (earlier !== undefined) return earlier;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const arrivals = this.child.exitCode === null ? on(this.#output, 'line', { signal, close: ['end'] }) : [];
      for await (const [line] of arrivals as AsyncIterable<[string]>) if (pattern.test(line)) return line;
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
    throw new Error(`no line like ${pattern} in:\n${this.text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
  }
}
