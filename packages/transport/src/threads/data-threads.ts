import { Worker } from 'node:worker_threads';
import type { Address } from '@shoal/core';
import type { ConnectionOwner } from '../connection.ts';
import type { DataConnection, DataDialer } from '../data-connection.ts';
import type { Log } from '../log.ts';
import type { Station } from '../station.ts';
import type { Command, ThreadEvent, ThreadSetup } from './messages.ts';
import { RouteLocks } from './route-locks.ts';
import { type Home, ThreadedConnection } from './threaded-connection.ts';

/** Pieces that may be on their way into files by one thread; what is beyond takes the way through the endpoint's. */
const routesMax = 4096;
/** A thread that has had no connection for this long ends, and gives its memory back. */
const idleMs = 30_000;

export interface DataThreadsOptions {
  /** Threads at most; each is started when there is a connection for it. */
  readonly count: number;
  /** A module that calls `serveDataThread`. */
  readonly entry: URL;
  readonly log: Log;
}

/** Dials data connections in threads of their own, which receive, hash and write what comes on them. */
export class DataThreads implements DataDialer {
  readonly #options: DataThreadsOptions;
  readonly #threads = new Set<DataThread>();
  #nextId = 1;

  constructor(options: DataThreadsOptions) {
    this.#options = options;
  }

  dial({ clock, limits }: Pick<Station, 'clock' | 'limits'>, address: Address, owner: ConnectionOwner): DataConnection {
    const thread = this.#leastBusy(limits.lingerMs);
    const id = this.#nextId++;
    const connection = new ThreadedConnection(id, thread, owner, clock);
    thread.add(id, connection);
    thread.post({ id, type: 'dial', address });
    return connection;
  }

  /** The threads that run. */
  get size(): number {
    return this.#threads.size;
  }

  /** Ends the threads; connections that are left are lost. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  #leastBusy(lingerMs: number): DataThread {
    const [first, ...rest] = [...this.#threads].toSorted((a, b) => a.size - b.size);
    if (first && (first.size === 0 || rest.length + 1 >= this.#options.count)) return first;
    const thread = new DataThread(this.#options, lingerMs, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }
}

class DataThread implements Home {
  readonly locks = new RouteLocks(routesMax);
  readonly #worker: Worker;
  readonly #connections = new Map<number, ThreadedConnection>();
  readonly #ended: () => void;
  readonly #log: Log;
  #idle: NodeJS.Timeout | undefined;

  constructor({ entry, log }: DataThreadsOptions, lingerMs: number, ended: () => void) {
    const workerData: ThreadSetup = { words: this.locks.words, lingerMs };
    this.#ended = ended;
    this.#log = log;
    this.#worker = new Worker(entry, { workerData, name: 'data' });
    this.#worker.on('message', (events: readonly ThreadEvent[]) => {
      for (const event of events) this.#event(event);
    });
    this.#worker.on('error', (error) => this.#log.warn({ err: error }, 'a data thread failed'));
    this.#worker.on('exit', () => this.#lost());
  }

  get size(): number {
    return this.#connections.size;
  }

  post(command: Command): void {
    this.#worker.postMessage(command);
  }

  add(id: number, connection: ThreadedConnection): void {
    clearTimeout(this.#idle);
    this.#connections.set(id, connection);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker.terminate();
  }

  #event(event: ThreadEvent): void {
    const connection = this.#connections.get(event.id);
    if (event.type === 'gone') this.#connections.delete(event.id);
    connection?.handle(event);
    if (this.size > 0) return;
    // From now on nobody is told of it: a dial starts another one.
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#ended();
      void this.stop();
    }, idleMs).unref();
  }

  #lost(): void {
    clearTimeout(this.#idle);
    this.#ended();
    const lost = [...this.#connections.values()];
    this.#connections.clear();
    for (const connection of lost) connection.lost('its thread has ended');
  }
}
