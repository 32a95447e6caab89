import { httpUrl, type Settings, writeConfigFile, type ClusterSettings } from './config-files.ts';
import {
  agentLayout,
  blocksFor,
  type LayoutOptions,
  type NodeLayout,
  originLayout,
  type ServiceName,
  trackerLayout,
} from './layout.ts';
import { freePortBase, isPortFree } from './ports.ts';
import { type ProcessEvents, ServiceProcess } from './service-process.ts';

export interface ClusterOptions extends ProcessEvents {
  /** How many agents there are at the start. */
  readonly agents: number;
  /** The folder of the whole cluster; what is in it from an earlier start is used. */
  readonly data: string;
  /** The first port of the cluster, or `free` for some that nobody uses. */
  readonly basePort: number | 'free';
  /** More than one needs `redis`. */
  readonly trackers?: number | undefined;
  readonly redis?: string | undefined;
  readonly secret?: string | undefined;
  /** Configuration laid over the generated one, by service. */
  readonly overrides?: Readonly<Partial<Record<ServiceName, Settings>>> | undefined;
}

/** A process of the cluster with the addresses a client needs. */
export class ClusterNode extends ServiceProcess {
  /** The registry of an origin or an agent, the API of a tracker. */
  get url(): string {
    return httpUrl(this.layout);
  }

  /** `127.0.0.1:7020`: the registry part of an image name. */
  get registry(): string {
    return `127.0.0.1:${this.layout.ports.http}`;
  }

  get metricsUrl(): string {
    return `http://127.0.0.1:${this.layout.ports.admin}/metrics`;
  }
}

/** An origin, its trackers and agents as processes of this machine. */
export class Cluster {
  readonly origin: ClusterNode;
  readonly trackers: readonly ClusterNode[];
  readonly agents: ClusterNode[] = [];
  readonly #layout: LayoutOptions;
  readonly #settings: ClusterSettings;
  readonly #events: ProcessEvents;

  private constructor(options: ClusterOptions, basePort: number) {
    this.#layout = { basePort, data: options.data };
    this.#events = options;
    const origin = originLayout(this.#layout);
    const trackers = Array.from({ length: options.trackers ?? 1 }, (_, index) => trackerLayout(index, this.#layout));
    const { redis, secret, overrides } = options;
    this.#settings = { origin, trackers, redis, secret, overrides };
    this.origin = new ClusterNode(origin, options);
    this.trackers = trackers.map((layout) => new ClusterNode(layout, options));
  }

  /** All processes are ready when it returns; when one does not start, none is left running. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const blocks = blocksFor(options.agents, options.trackers ?? 1);
    const basePort = options.basePort === 'free' ? await freePortBase(blocks) : options.basePort;
    const cluster = new Cluster(options, basePort);
    const agents = Array.from({ length: options.agents }, (_, index) => agentLayout(index, cluster.#layout));
    await requireFreePorts([...cluster.nodes.map(({ layout }) => layout), ...agents]);
    try {
      await allOrFirstError([cluster.origin, ...cluster.trackers].map((node) => cluster.#launch(node)));
      await allOrFirstError(agents.map(() => cluster.addAgent()));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get nodes(): readonly ClusterNode[] {
    return [this.origin, ...this.trackers, ...this.agents];
  }

  /** One more agent, ready when it returns; `overrides` are for it alone, over those of all agents. */
  async addAgent(overrides: Settings = {}): Promise<ClusterNode> {
    const node = new ClusterNode(agentLayout(this.agents.length, this.#layout), this.#events);
    this.agents.push(node);
    await this.#launch(node, overrides);
    return node;
  }

  async #launch(node: ClusterNode, overrides: Settings = {}): Promise<void> {
    await writeConfigFile(node.layout, this.#settings, overrides);
    await node.start();
  }

  /** Agents first: they leave their swarms while the tracker still answers. */
  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await Promise.all([this.origin, ...this.trackers].map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Waits for all, so that nothing starts after a failure was handled, then throws the first error. */
const allOrFirstError = async (started: readonly Promise<unknown>[]): Promise<void> => {
  const outcomes = await Promise.allSettled(started);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
};

const requireFreePorts = async (nodes: readonly NodeLayout[]): Promise<void> => {
  const wanted = nodes.flatMap((node) => Object.entries(node.ports).map(([use, port]) => ({ node, use, port })));
  const free = await Promise.all(wanted.map(({ port }) => isPortFree(port)));
  const taken = wanted.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  const list = taken.map(({ node, use, port }) => `127.0.0.1:${port} (${node.name}, ${use})`);
  throw new PortInUseError(`in use already: ${list.join(', ')}`);
};

/** Somebody else listens where a process of the cluster would. */
export class PortInUseError extends Error {}
