import { createHash, randomUUID } from 'node:crypto';
import { type Digest, parseImageName, ShoalError } from '@shoal/core';
import { type Command, commandsMax, type CommandState, type HeartbeatRequest } from '@shoal/protocol';
import type { Tables } from '../store/tables.ts';
import { type SelectableNode, parseSelector } from './selector.ts';

/** What nodes can be asked to do: get an image into their caches, or drop blobs from them. */
export type Work =
  | { readonly kind: 'preheat'; readonly image: string }
  | { readonly kind: 'purge'; readonly digests: readonly Digest[] };

/** What is asked of nodes. */
export type Job = Work & {
  readonly id: string;
  /** The selector as it was given. */
  readonly nodes: string;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
};

export interface NodeState {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'lost';
  readonly detail?: string;
  readonly bytes?: number;
}

export type JobState = Job & {
  /** `running` until each node is done, has failed or is gone. */
  readonly state: 'running' | 'done' | 'failed';
  readonly counts: Readonly<Record<NodeState['state'], number>>;
  /** Those that have failed or are gone, up to 100. */
  readonly failures: readonly (NodeState & { readonly peerId: string })[];
  /** Those that are done but left something out, up to 100. */
  readonly remarks: readonly (NodeState & { readonly peerId: string })[];
};

interface KnownNode extends SelectableNode {
  readonly seenMs: number;
}

/** Jobs that are kept, and how long nodes are asked to do one. */
const jobsMax = commandsMax;
const jobTtlMs = 3_600_000;
/** How old the view of the jobs may be that an answer to a heartbeat is made of. */
const freshMs = 500;
const failuresMax = 100;

/**
 * Jobs that nodes hear of in the answers to their heartbeats. Which nodes a job is for is decided when it is
 * made. A command is repeated until the node tells of it, so it may arrive twice; nodes go by its id.
 */
export class Jobs {
  readonly #tables: Tables;
  readonly #clock: () => number;
  readonly #ttlMs: number;
  #active: { readonly jobs: readonly Job[]; readonly readMs: number } = { jobs: [], readMs: -Infinity };

  /** A node that was silent for `ttlMs` is gone. */
  constructor(o: { readonly tables: Tables; readonly clock: () => number; readonly ttlMs: number }) {
    this.#tables = o.tables;
    this.#clock = o.clock;
    this.#ttlMs = o.ttlMs;
  }

  /** The same id again gives the same job. @throws InvalidValueError, OciError, ShoalError JOB_CONFLICT, NO_NODES, OVERLOADED */
  async create(
    work: Work,
    { id = randomUUID(), nodes = 'all' }: { id?: string; nodes?: string } = {},
  ): Promise<JobState> {
    if (work.kind === 'preheat') parseImageName(work.image);
    const selector = parseSelector(nodes);
    const known = await this.#job(id);
    if (!known) {
      const job: Job = { id, ...work, nodes, createdMs: this.#clock() };
      const matching = [...(await this.#nodes()).values()].filter((node) => selector.matches(node));
      const targets = inOrderOf(id, matching).slice(0, Math.ceil(matching.length * selector.share));
      if (targets.length === 0)
        throw new ShoalError('NO_NODES', 404, `nodes: no live node is selected by ${JSON.stringify(nodes)}`);
      if ((await this.#jobs()).length >= jobsMax)
        throw new ShoalError(
          'OVERLOADED',
          503,
          `${jobsMax} jobs are known already; they are forgotten an hour after they were made`,
        );
      const states = targets.map(({ peerId, name }) => [peerId, JSON.stringify({ name, state: 'waiting' })] as const);
      if (!(await this.#tables.get('jobs', id))) await this.#tables.set(tableOf(id), new Map(states));
      await this.#tables.add('jobs', id, JSON.stringify(job));
      this.#active = { jobs: [], readMs: -Infinity };
    }
    const state = await this.state(id);
    if (state && state.nodes === nodes && workText(state) === workText(work)) return state;
    throw new ShoalError(
      'JOB_CONFLICT',
      409,
      `id: ${JSON.stringify(id)} is a ${state && workText(state)} at nodes ${state?.nodes} already; take another id`,
    );
  }

  async state(id: string): Promise<JobState | undefined> {
    const job = await this.#job(id);
    if (!job) return undefined;
    const [states, nodes] = await Promise.all([this.#tables.all(tableOf(id)), this.#nodes()]);
    const all = [...states].map(([peerId, text]) => {
      const state = JSON.parse(text) as NodeState;
      const isLost = ['waiting', 'running'].includes(state.state) && !nodes.has(peerId);
      return { peerId, ...state, ...(isLost && { state: 'lost' as const }) };
    });
    const counts = { waiting: 0, running: 0, done: 0, failed: 0, lost: 0 };
    for (const { state } of all) counts[state]++;
    const failures = all.filter(({ state }) => state === 'failed' || state === 'lost').slice(0, failuresMax);
    const remarks = all.filter(({ state, detail }) => state === 'done' && detail).slice(0, failuresMax);
    const state = counts.waiting + counts.running > 0 ? 'running' : failures.length > 0 ? 'failed' : 'done';
    return { ...job, state, counts, failures, remarks };
  }

  /** The newest first. */
  async list(kind: Work['kind']): Promise<readonly Job[]> {
    return (await this.#jobs()).filter((job) => job.kind === kind).toSorted((a, b) => b.createdMs - a.createdMs);
  }

  async nodes(): Promise<readonly KnownNode[]> {
    return [...(await this.#nodes()).values()].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /** Takes what a node tells and gives what it is asked to do. */
  async beat({ peer, node, states = [] }: HeartbeatRequest): Promise<Command[]> {
    const { peerId, zone, role } = peer;
    if (!node || role !== 'agent') return [];
    const seen: KnownNode = { ...node, peerId, zone, seenMs: this.#clock() };
    await this.#tables.set('nodes', new Map([[peerId, JSON.stringify(seen)]]));
    const jobs = await this.#fresh();
    const asked = await Promise.all(
      jobs.map((job) =>
        this.#beatOf(
          job,
          peerId,
          node.name,
          states.find(({ id }) => id === job.id),
        ),
      ),
    );
    return asked.filter((command) => command !== undefined);
  }

  async #beatOf(job: Job, peerId: string, name: string, told: CommandState | undefined): Promise<Command | undefined> {
    const stored = await this.#tables.get(tableOf(job.id), peerId);
    if (stored === undefined) return undefined;
    const { state } = JSON.parse(stored) as NodeState;
    if (state === 'done' || state === 'failed') return undefined;
    if (!told) return commandOf(job);
    const { id: _, ...rest } = told;
    await this.#tables.set(tableOf(job.id), new Map([[peerId, JSON.stringify({ name, ...rest })]]));
    return undefined;
  }

  /** Nothing is read for a heartbeat as long as what was read a moment ago will do. */
  async #fresh(): Promise<readonly Job[]> {
    const nowMs = this.#clock();
    if (nowMs - this.#active.readMs > freshMs) this.#active = { jobs: await this.#jobs(), readMs: nowMs };
    return this.#active.jobs;
  }

  async #job(id: string): Promise<Job | undefined> {
    return (await this.#jobs()).find((job) => job.id === id);
  }

  async #jobs(): Promise<Job[]> {
    const oldestMs = this.#clock() - jobTtlMs;
    const all = [...(await this.#tables.all('jobs')).values()].map((text) => JSON.parse(text) as Job);
    await this.#tables.remove(
      'jobs',
      all.filter(({ createdMs }) => createdMs < oldestMs).map(({ id }) => id),
    );
    return all.filter(({ createdMs }) => createdMs >= oldestMs);
  }

  async #nodes(): Promise<Map<string, KnownNode>> {
    const oldestMs = this.#clock() - this.#ttlMs;
    const all = [...(await this.#tables.all('nodes')).values()].map((text) => JSON.parse(text) as KnownNode);
    await this.#tables.remove(
      'nodes',
      all.filter(({ seenMs }) => seenMs < oldestMs).map(({ peerId }) => peerId),
    );
    return new Map(all.filter(({ seenMs }) => seenMs >= oldestMs).map((node) => [node.peerId, node]));
  }
}

const commandOf = (job: Job): Command =>
  job.kind === 'preheat'
    ? { kind: job.kind, id: job.id, image: job.image }
    : { kind: job.kind, id: job.id, digests: [...job.digests] };

/** Says which work is the same. */
const workText = (work: Work): string =>
  work.kind === 'preheat' ? `preheat of ${work.image}` : `purge of ${work.digests.join(', ')}`;

const tableOf = (id: string): string => `job:${id}`;

/** An order of nodes that differs from job to job, so that a share is not always of the same ones. */
const inOrderOf = (id: string, nodes: readonly KnownNode[]): KnownNode[] => {
  const rank = ({ peerId }: KnownNode): string => createHash('sha256').update(`${id}\n${peerId}`).digest('hex');
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ node }) => node);
};
