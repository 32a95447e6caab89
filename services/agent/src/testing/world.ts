import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, type Digest, digestOf, formatAddress } from '@shoal/core';
import { Origin, originConfig, type OriginOptions } from '@shoal/origin';
import { loadConfig } from '@shoal/service';
import { sha256 } from '@shoal/store';
import { Tracker, trackerConfig } from '@shoal/tracker';
import { agentConfig } from '../config.ts';
import { Agent, type AgentOptions } from '../service.ts';

const anyPort = { port: 0 };
const base = { admin: anyPort, debug: anyPort, log: { level: 'silent' } };

export const urlOf = (address: Address): string => `http://${formatAddress(address)}`;

/** Sections of an agent's configuration. */
interface AgentSections {
  readonly zone?: string;
  readonly [section: string]: object | string | undefined;
}

/** A cluster in one process over real sockets, in a temporary folder that goes with it. */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly #cluster: object;
  readonly #parts = new AsyncDisposableStack();
  origin!: Origin;
  tracker!: Tracker;

  private constructor(folder: string, cluster: object) {
    this.folder = folder;
    this.#cluster = cluster;
  }

  /** `cluster` is the section of that name of every process, `origin` what else the origin is told. */
  static async start(
    { cluster = {}, ...origin }: { cluster?: object; pieces?: object; pulls?: object; zone?: string } = {},
    options: OriginOptions = {},
  ): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'shoal-agent-')), cluster);
    world.#parts.defer(() => rm(world.folder, { recursive: true, force: true }));
    await world.startTracker(0);
    await world.startOrigin({ registry: anyPort, pieces: anyPort }, origin, options);
    return world;
  }

  async startOrigin(ports: object, config: object = {}, options: OriginOptions = {}): Promise<Origin> {
    const values = { ...base, cluster: this.#cluster, folder: join(this.folder, 'origin'), ...ports, ...config };
    this.origin = this.#parts.use(await Origin.start(loadConfig(originConfig, { values }), options));
    return this.origin;
  }

  /** The origin again, where it was. */
  restartOrigin(): Promise<Origin> {
    const { registry, pieces } = this.origin.addresses;
    return this.startOrigin({ registry, pieces });
  }

  async startTracker(port: number): Promise<Tracker> {
    const values = {
      ...base,
      cluster: this.#cluster,
      api: { port },
      ui: anyPort,
      heartbeat: { intervalMs: 500, ttlMs: 2000 },
    };
    this.tracker = this.#parts.use(await Tracker.start(loadConfig(trackerConfig, { values })));
    return this.tracker;
  }

  /** An agent with a cache of its own, under `name`; the same name again finds the same cache. */
  async agent(name: string, { zone, ...config }: AgentSections = {}, options: AgentOptions = {}): Promise<TestAgent> {
    const values = {
      ...base,
      cluster: this.#cluster,
      registry: anyPort,
      pieces: anyPort,
      origins: [urlOf(this.origin.addresses.registry)],
      trackers: [urlOf(this.tracker.addresses.api)],
      ...config,
      ...(zone !== undefined && { zone }),
      cache: { folder: join(this.folder, name), quotaBytes: '1GiB', ...(config['cache'] as object) },
      deadlines: {
        originMs: 1000,
        trackerMs: 1000,
        peerMs: 1000,
        fallbackMs: 500,
        firstByteMs: 5000,
        ...(config['deadlines'] as object),
      },
    };
    return new TestAgent(this.#parts.use(await Agent.start(loadConfig(agentConfig, { values }), options)));
  }

  /** The sum of a metric over agents. */
  async agents(agents: readonly TestAgent[], metric: string): Promise<number> {
    return (await Promise.all(agents.map((agent) => agent.metric(metric)))).reduce((sum, more) => sum + more, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** An agent as a runtime and a scraper see it. */
export class TestAgent implements AsyncDisposable {
  readonly agent: Agent;
  readonly url: string;

  constructor(agent: Agent, address = agent.addresses.registry) {
    this.agent = agent;
    this.url = urlOf(address);
  }

  get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers, method });
  }

  async blob(repository: string, digest: Digest): Promise<Uint8Array> {
    const answer = await this.get(`/v2/${repository}/blobs/${digest}`);
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.bytes();
  }

  /** The sum of a metric over the series that carry `labels`. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const text = await (await fetch(`${urlOf(this.agent.addresses.admin)}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`shoal_agent_${name}{`) || line.startsWith(`shoal_agent_${name} `));
    const matching = lines.filter((line) =>
      Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
    );
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  received(source: 'peer' | 'origin' | 'http'): Promise<number> {
    return this.metric('received_bytes_total', { source });
  }

  async dump<T>(name: string): Promise<T> {
    return (await (await fetch(`${urlOf(this.agent.addresses.debug)}/debug/${name}`)).json()) as T;
  }

  stop(): Promise<void> {
    return this.agent.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export const digestOfBytes = (bytes: Uint8Array): Digest => digestOf('sha256', sha256(bytes));

/** Pushes a generic blob of random bytes. */
export const pushBlob = async (origin: Origin, repository: string, bytes: Uint8Array): Promise<Digest> => {
  const digest = digestOfBytes(bytes);
  const url = `${urlOf(origin.addresses.registry)}/shoal/v1/namespaces/${repository}/blobs/${digest}`;
  const answer = await fetch(url, { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer> });
  if (answer.status !== 201) throw new Error(`push: ${answer.status} ${await answer.text()}`);
  return digest;
};

export interface PushedImage {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifest: Uint8Array;
  readonly layers: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
}

/** Pushes an image with a config and layers of random bytes. */
export const pushImage = async (
  origin: Origin,
  repository: string,
  tag: string,
  layerSizes: readonly number[],
): Promise<PushedImage> => {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = Buffer.from(JSON.stringify({ created: randomBytes(8).toString('hex') }));
  const layers = await Promise.all(
    layerSizes.map(async (size) => {
      const bytes = randomBytes(size);
      return { digest: await pushBlob(origin, repository, bytes), bytes };
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: await pushBlob(origin, repository, config),
        size: config.length,
      },
      layers: layers.map(({ digest, bytes }) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest,
        size: bytes.length,
      })),
    }),
  );
  const url = `${urlOf(origin.addresses.registry)}/v2/${repository}/manifests/${tag}`;
  const answer = await fetch(url, { method: 'PUT', body: manifest, headers: { 'content-type': mediaType } });
  if (answer.status !== 201) throw new Error(`push: ${answer.status} ${await answer.text()}`);
  return { digest: digestOfBytes(manifest), mediaType, manifest, layers };
};

/** Pulls as a runtime does: manifest by tag, then all layers at once; every byte is checked. */
export const pullImage = async (agent: TestAgent, repository: string, tag: string): Promise<Digest> => {
  const answer = await agent.get(`/v2/${repository}/manifests/${tag}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  const bytes = await answer.bytes();
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString()) as {
    config: { digest: Digest };
    layers: { digest: Digest }[];
  };
  await Promise.all(
    [config, ...layers].map(async ({ digest }) => {
      if (digestOfBytes(await agent.blob(repository, digest)) !== digest)
        throw new Error(`${digest} arrived with other content`);
    }),
  );
  return digestOfBytes(bytes);
};

/** Waits for a condition that no event announces. */
export const eventually = async (condition: () => Promise<boolean> | boolean, timeoutMs = 5000): Promise<void> => {
  for (const untilMs = performance.now() + timeoutMs; !(await condition());) {
    if (performance.now() > untilMs) throw new Error(`not so within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
