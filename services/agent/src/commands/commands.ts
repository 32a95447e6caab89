import { type Command, commandsMax, type CommandState } from '@shoal/protocol';

/** What is told of a command that went well: bytes of the image, or what was left out. */
export type CommandResult = Pick<CommandState, 'bytes' | 'detail'>;

/** Does one command. @throws Error that says why it failed */
export type CommandHandler = (command: Command, signal: AbortSignal) => Promise<CommandResult>;

export interface CommandsOptions {
  /** By kind; each kind does one command after the other. */
  readonly handlers: Readonly<Record<string, CommandHandler>>;
  /** A command has ended: the next heartbeat had better be soon. */
  readonly ended: () => void;
}

const commandMsMax = 3_600_000;

/** Does what trackers ask of this node, each command once, and says how far it is. */
export class Commands {
  readonly #o: CommandsOptions;
  readonly #states = new Map<string, CommandState>();
  readonly #untold = new Set<string>();
  readonly #stop = new AbortController();
  readonly #queues = new Map<string, Promise<void>>();

  constructor(o: CommandsOptions) {
    this.#o = o;
  }

  /** What the next heartbeat tells: commands that run, and those that have ended since the last one that was answered. */
  states(): CommandState[] {
    return [...this.#states.values()].filter(({ id, state }) => state === 'running' || this.#untold.has(id));
  }

  /** A tracker has heard of these. */
  told(states: readonly CommandState[]): void {
    for (const { id, state } of states) if (state !== 'running') this.#untold.delete(id);
  }

  /** Commands come again until a tracker has heard of them, and after it has forgotten: an id is done once. */
  accept(commands: readonly Command[]): void {
    for (const command of commands) {
      const { kind, id } = command;
      const handler = Object.hasOwn(this.#o.handlers, kind) ? this.#o.handlers[kind] : undefined;
      if (!handler || id === undefined || this.#stop.signal.aborted) continue;
      const known = this.#states.get(id);
      if (known && known.state !== 'running') this.#untold.add(id);
      if (known || !this.#hasRoom()) continue;
      this.#states.set(id, { id, state: 'running' });
      const before = this.#queues.get(kind) ?? Promise.resolve();
      this.#queues.set(
        kind,
        before.then(() => this.#run(id, (signal) => handler(command, signal))),
      );
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the process stops'));
    await Promise.all(this.#queues.values());
  }

  /** What ended long ago is forgotten first; the tracker asks again for what does not fit now. */
  #hasRoom(): boolean {
    if (this.#states.size < commandsMax) return true;
    const ended = [...this.#states.values()].find(({ state, id }) => state !== 'running' && !this.#untold.has(id));
    return ended !== undefined && this.#states.delete(ended.id);
  }

  async #run(id: string, work: (signal: AbortSignal) => Promise<CommandResult>): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(commandMsMax)]);
    const state = await work(signal).then(
      (result): CommandState => ({ id, state: 'done', ...result }),
      (error: unknown): CommandState => ({
        id,
        state: 'failed',
        detail: String((error as Error).message).slice(0, 500),
      }),
    );
    this.#states.set(id, state);
    this.#untold.add(id);
    if (!this.#stop.signal.aborted) this.#o.ended();
  }
}
