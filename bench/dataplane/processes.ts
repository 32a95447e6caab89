import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Address } from '@shoal/core';
import type { Job, JobResult } from './client.ts';

const root = path.join(import.meta.dirname, '../..');

const environment = { ...process.env, NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compile') };

const stopTimeoutMs = 10_000;

/** A child that goes with the benchmark: asked to stop, killed when it does not. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;

  constructor(child: ChildProcess) {
    this.process = child;
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`${this.process.spawnfile} could not be started`);
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), stopTimeoutMs);
    this.process.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }
}

/** The client's process. */
export class Client extends Child {
  constructor() {
    super(
      fork(path.join(import.meta.dirname, 'client.ts'), {
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
  }

  /** One at a time. @throws Error when a request failed */
  async run(job: Job): Promise<JobResult> {
    this.process.send(job);
    const [{ result, error }] = (await once(this.process, 'message')) as [{ result?: JobResult; error?: string }];
    if (!result) throw new Error(`${job.kind} at ${job.base}: ${error}`);
    return result;
  }
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly digest?: string;
}

/** An origin, tracker or agent as a process of its own. */
export class Service extends Child {
  addresses: Readonly<Record<string, Address>> = {};
  readonly #name: string;
  readonly #waiting = new Set<(line: LogLine) => void>();

  private constructor(child: ChildProcess, name: string) {
    super(child);
    this.#name = name;
    for (const output of [child.stdout, child.stderr])
      if (output) createInterface({ input: output }).on('line', (line) => this.#line(line));
  }

  /** `execArgv`: for the profiler. */
  static async start(
    kind: 'origin' | 'tracker' | 'agent',
    name: string,
    configFile: string,
    execArgv: readonly string[] = [],
  ): Promise<Service> {
    const main = path.join(root, 'services', kind, 'src/main.ts');
    const child = spawn(process.execPath, [...execArgv, main, '--config', configFile], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const service = new Service(child, name);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${name} ended before it was ready`);
    });
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ addresses: Record<string, Address> }];
    ended.catch(() => {});
    service.addresses = message.addresses;
    return service;
  }

  url(section: string): string {
    const { host, port } = this.addresses[section]!;
    return `http://${host}:${port}`;
  }

  /** The next line of the log with this event and digest. Call it before what causes the line. */
  logged(msg: string, digest: string): Promise<LogLine> {
    return new Promise((resolve) => {
      const look = (line: LogLine): void => {
        if (line.msg !== msg || line.digest !== digest) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
    });
  }

  #line(text: string): void {
    const line = parse(text);
    if (!line || ['warn', 'error', 'fatal'].includes(line.level)) process.stderr.write(`${this.#name}: ${text}\n`);
    if (line) for (const look of [...this.#waiting]) look(line);
  }
}

const parse = (text: string): LogLine | undefined => {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
};
