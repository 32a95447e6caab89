import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { type AgentAddresses, type HostAnswer, type HostSpec, stopMessage } from './host-messages.ts';

const startTimeoutMs = 300_000;
const stopTimeoutMs = 60_000;
const hostFile = path.join(import.meta.dirname, 'agent-host.ts');

/** A process of agents, seen from outside. */
export class HostProcess {
  readonly agents: readonly AgentAddresses[];
  /** Resident memory before the first agent was started, all modules loaded. */
  readonly emptyRssBytes: number;
  /** When each agent had the whole blob, in ms of this process's `performance.now()`. */
  readonly completeMs: number[] = [];
  readonly #child: ChildProcess;
  #leaving = false;

  private constructor(child: ChildProcess, ready: Extract<HostAnswer, { type: 'ready' }>, died: (why: string) => void) {
    this.#child = child;
    this.agents = ready.agents;
    this.emptyRssBytes = ready.emptyRssBytes;
    child.on('message', (answer: HostAnswer) => {
      if (answer.type === 'complete') this.completeMs[answer.index] = answer.atMs - performance.timeOrigin;
    });
    child.once('exit', (code, signal) => {
      if (!this.#leaving)
        died(`a process of ${this.agents.length} agents ended by itself: ${signal ?? `code ${code}`}`);
    });
  }

  /** All its agents are up when it resolves. @param died it ended without having been asked to */
  static async start(spec: HostSpec, died: (why: string) => void): Promise<HostProcess> {
    const child = fork(hostFile, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const expired = AbortSignal.timeout(startTimeoutMs);
    const ended = once(child, 'exit', { signal: expired }).then(([code]): HostAnswer => {
      return { type: 'failed', reason: `the process of the agents ended with code ${String(code)}` };
    });
    ended.catch(() => undefined);
    try {
      child.send(spec);
      const answered = once(child, 'message', { signal: expired }).then(([message]) => message as HostAnswer);
      const answer = await Promise.race([answered, ended]);
      if (answer.type !== 'ready') throw new Error(answer.type === 'failed' ? answer.reason : 'no agent is up yet');
      return new HostProcess(child, answer, died);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends as a crash does: no goodbye, the kernel closes what was open. */
  async kill(): Promise<void> {
    this.#leaving = true;
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** Its agents leave their swarms first; one that takes too long is killed. */
  async stop(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    const late = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
    const exited = once(this.#child, 'exit');
    this.#child.send(stopMessage);
    await exited;
    clearTimeout(late);
  }
}
