import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { NodeLayout, ServiceName } from './layout.ts';
import { readableLine } from './log-line.ts';

/** How a process ended: an exit code, or the signal that ended it. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessEvents {
  /** One line of the log, as the service wrote it. */
  readonly onLine?: (node: NodeLayout, line: string) => void;
  /** The process ended without having been asked to, after it was ready. */
  readonly onDeath?: (node: NodeLayout, status: ExitStatus, lastLines: readonly string[]) => void;
}

const readyTimeoutMs = 60_000;
/** Longer than the services' own deadline for a graceful stop. */
const stopTimeoutMs = 25_000;
const lastLinesMax = 30;

const root = path.join(import.meta.dirname, '../../../..');

const mainFile = (service: ServiceName): string => path.join(root, 'services', service, 'src/main.ts');

/** Compiled code is kept: halves the CPU time that the start of a process takes. */
const environment = { NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compile'), ...process.env };

/**
 * One service as a process of its own, which can be started again after it ended. It leads its own process group, so
 * that Ctrl-C reaches the launcher alone and every service is stopped once, in order.
 */
export class ServiceProcess {
  readonly layout: NodeLayout;
  readonly #events: ProcessEvents;
  readonly #lastLines: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<ExitStatus> | undefined;
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';

  constructor(layout: NodeLayout, events: ProcessEvents) {
    this.layout = layout;
    this.#events = events;
  }

  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it and waits for its ready message. @throws Error with the last log lines when it ends or is silent. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.layout.name} is running`);
    const child = spawn(process.execPath, [mainFile(this.layout.service), '--config', this.layout.configFile], {
      cwd: this.layout.folder,
      detached: true,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#phase = 'starting';
    this.#lastLines.length = 0;
    const log = createWriteStream(this.layout.logFile, { flags: this.#exited ? 'a' : 'w' });
    const outputs = [child.stdout, child.stderr].filter((output) => output !== null);
    this.#exited = this.#watch(child, outputs, log);
    await this.#ready(child, this.#exited);
  }

  async #watch(child: ChildProcess, outputs: readonly Readable[], log: WriteStream): Promise<ExitStatus> {
    const drained = outputs.map((output) => this.#forward(output, log));
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.#child = undefined;
    await Promise.all(drained);
    log.end();
    const status = { code, signal };
    if (this.#phase === 'ready') this.#events.onDeath?.(this.layout, status, this.#lastLines);
    return status;
  }

  async #forward(output: Readable, log: WriteStream): Promise<void> {
    for await (const line of createInterface({ input: output })) {
      log.write(`${line}\n`);
      if (this.#lastLines.push(line) > lastLinesMax) this.#lastLines.shift();
      this.#events.onLine?.(this.layout, line);
    }
  }

  async #ready(child: ChildProcess, exited: Promise<ExitStatus>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<'ready'>();
    child.on('message', (message) => {
      if ((message as { type?: unknown } | null)?.type === 'ready') resolve('ready');
    });
    const { promise: late, resolve: expire } = Promise.withResolvers<'late'>();
    const timer = setTimeout(expire, readyTimeoutMs, 'late');
    const outcome = await Promise.race([promise, late, exited]);
    clearTimeout(timer);
    if (outcome === 'ready') {
      this.#phase = 'ready';
      return;
    }
    await this.kill();
    const what = outcome === 'late' ? `is not ready after ${readyTimeoutMs / 1000} s` : ended(outcome);
    throw new Error(`${this.layout.name} ${what}. ${lastWords(this.layout, this.#lastLines)}`);
  }

  /** Asks it to stop and waits; one that does not stop in time is killed. */
  async stop(): Promise<ExitStatus | undefined> {
    return this.#end('SIGTERM');
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<ExitStatus | undefined> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<ExitStatus | undefined> {
    this.#phase = 'stopping';
    const child = this.#child;
    child?.kill(signal);
    const timer = setTimeout(() => child?.kill('SIGKILL'), stopTimeoutMs);
    try {
      return await this.#exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The last lines of a process, for a person. */
export const lastWords = ({ name }: NodeLayout, lines: readonly string[]): string =>
  ['Its last lines:', ...lines.map((line) => readableLine(name, line, 'trace') ?? '')].join('\n  ');

/** What starts the process again by hand, whatever Node.js the shell has. */
export const restartCommand = ({ service, configFile }: NodeLayout): string =>
  [process.execPath, mainFile(service), '--config', configFile]
    .map((part) => (path.isAbsolute(part) ? path.relative('.', part) : part))
    .join(' ');

/** `exited with code 1`, `was ended by SIGKILL`. */
export const ended = ({ code, signal }: ExitStatus): string =>
  signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
