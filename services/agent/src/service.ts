import type { Address, Digest } from '@shoal/core';
import { closeRegistryServer } from '@shoal/registry';
import { AdminServer, createMetrics, DebugServer, listening, type Log, silentLog, version } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import { openAccess } from './access/open-access.ts';
import { registerCacheControl } from './cache/cache-control.ts';
import type { AgentConfig } from './config.ts';
import { registerDumps } from './debug-dumps.ts';
import { AgentEvents } from './events.ts';
import { type Ground, openGround } from './ground.ts';
import { createMirrorServer } from './http/mirror-server.ts';
import { createAgentServer, type RegistryServerParts } from './http/registry-server.ts';
import { agentMetrics } from './metrics.ts';
import { type PullSide, pullSide } from './pull-side.ts';
import { restoreSeeds } from './seeds/restore.ts';
import { SwarmSide } from './swarm-side.ts';
import { watch } from './watch.ts';

export interface AgentOptions {
  readonly log?: Log;
  readonly signal?: AbortSignal;
  /** Milliseconds that never go back. */
  readonly clock?: () => number;
  readonly prng?: () => number;
}

export interface AgentAddresses {
  readonly registry: Address;
  readonly pieces: Address;
  readonly admin: Address;
  readonly debug: Address;
  readonly [name: string]: Address;
}

/** A node's registry proxy: pulls from the swarm for the runtimes of the node, and seeds what it has. */
export class Agent implements AsyncDisposable {
  readonly addresses: AgentAddresses;
  readonly #parts: AsyncDisposableStack;
  readonly #admin: AdminServer;

  private constructor(addresses: AgentAddresses, admin: AdminServer, parts: AsyncDisposableStack) {
    this.addresses = addresses;
    this.#admin = admin;
    this.#parts = parts;
  }

  /**
   * Starts whether or not origins and trackers can be reached; nothing stays open when it throws.
   * @throws ListenError, FolderInUseError, TlsFileError
   */
  static async start(config: AgentConfig, options: AgentOptions = {}): Promise<Agent> {
    const { log = silentLog('agent'), clock = () => performance.now(), prng = Math.random } = options;
    await using parts = new AsyncDisposableStack();
    const metrics = parts.adopt(createMetrics(agentMetrics, { version }), (created) => created.close());
    const events = new AgentEvents(metrics, log);
    const admin = parts.use(await AdminServer.listen({ service: 'agent', listen: config.admin, metrics }));
    const debug = parts.use(await DebugServer.listen({ service: 'agent', listen: config.debug }));

    const late: { swarm?: SwarmSide } = {};
    const evict = (digest: Digest): void => void late.swarm?.seeds.drop(digest);
    const ground = await openGround(parts, { config, events, log, clock, prng, evict });
    const swarm = parts.use(await SwarmSide.start(ground));
    late.swarm = swarm;
    const side = pullSide(ground, swarm);
    const { pulls, registry } = side;
    swarm.report(() => pulls.active);
    swarm.obey(registry);
    parts.defer(() => pulls.stop());
    await ground.learner.start();

    const stopBodies = new AbortController();
    const { sendfile } = ground;
    const http = { config, log, events, ...openAccess(parts, ground, registry), sendfile, stop: stopBodies.signal };
    const app = createAgentServer(http);
    parts.defer(() => closeRegistryServer(app, config.stop.timeoutMs / 2, stopBodies));
    const { host, port } = config.registry;
    await listening('registry', config.registry, () => app.listen({ host, port }));
    const mirrors = await startMirrors(parts, http, stopBodies);
    startRestoring(parts, ground, swarm, side);
    watch(metrics, ground, swarm, side);
    admin.note('origins', () => ground.origins.missing);
    admin.note('trackers', () => swarm.tracker.lastError);
    admin.note('keys', () => (ground.book.trusting ? undefined : 'no origin was met yet: no signature can be trusted'));
    registerDumps(debug, ground, swarm, pulls);
    registerCacheControl(debug, ground, swarm);
    options.signal?.throwIfAborted();
    admin.started();
    const addresses = {
      ...mirrors,
      registry: boundAddress(app),
      pieces: swarm.address,
      admin: admin.address,
      debug: debug.address,
    };
    return new Agent(addresses, admin, parts.move());
  }

  /** Refuses new requests, ends streams within half of `stop.timeoutMs` (what is left ends with FIN), leaves the swarms. */
  async stop(): Promise<void> {
    if (!this.#parts.disposed) this.#admin.stopping();
    await this.#parts.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The listeners of `registry.mirrors`, by `mirror of <upstream>`. */
const startMirrors = async (
  parts: AsyncDisposableStack,
  http: RegistryServerParts,
  stopBodies: AbortController,
): Promise<Record<string, Address>> => {
  const { registry, stop } = http.config;
  const addresses: Record<string, Address> = {};
  for (const [index, mirror] of registry.mirrors.entries()) {
    const { upstream, host, port } = mirror;
    const app = createMirrorServer(http, upstream);
    parts.defer(() => closeRegistryServer(app, stop.timeoutMs / 2, stopBodies));
    await listening(`registry.mirrors[${index}]`, mirror, () => app.listen({ host, port }));
    addresses[`mirror of ${upstream}`] = boundAddress(app);
  }
  return addresses;
};

/** Readiness does not wait for it: a node can pull while its cache is announced again. */
const startRestoring = (
  parts: AsyncDisposableStack,
  ground: Ground,
  { seeds }: SwarmSide,
  { tagAnnouncer }: PullSide,
): void => {
  const { cache, tags, referrers, events, config, log } = ground;
  const stopping = new AbortController();
  const { signal } = stopping;
  const seedsMax = config.limits.seedsAnnouncedMax;
  const restored = restoreSeeds({ cache, seeds, tags, referrers, tagAnnouncer, seedsMax, events, signal }).catch(
    (error: unknown) => {
      if (!signal.aborted) log.error({ err: error }, 'the cache could not be announced again');
    },
  );
  parts.defer(() => {
    stopping.abort();
    return restored;
  });
};

const boundAddress = (app: FastifyInstance): Address => {
  const address = app.server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('the registry does not listen on TCP');
  return { host: address.address, port: address.port };
};
