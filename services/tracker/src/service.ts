import type { Address, Prng } from '@shoal/core';
import {
  AdminServer,
  DebugServer,
  clusterAuth,
  createMetrics,
  listening,
  redactConfig,
  silentLog,
  version,
} from '@shoal/service';
import type { Log } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import { trackerApi } from './api/app.ts';
import type { TrackerConfig } from './config.ts';
import { trackerConfig } from './config.ts';
import { trackerEvents } from './events.ts';
import { trackerMetrics } from './metrics.ts';
import { watchCounts } from './store/counts.ts';
import { createStore } from './store/create.ts';
import { Tracking } from './tracking.ts';
import { LiveView } from './ui/live-view.ts';
import { uiServer } from './ui/ui-server.ts';

export interface TrackerContext {
  readonly signal?: AbortSignal;
  readonly log?: Log;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly prng?: Prng;
}

export interface TrackerAddresses {
  readonly api: Address;
  readonly admin: Address;
  readonly debug: Address;
  /** The live view, unless it is switched off. */
  readonly ui?: Address;
  readonly [name: string]: Address;
}

/** A running tracker: tells peers of each other. */
export class Tracker implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;
  readonly #admin: AdminServer;
  readonly addresses: TrackerAddresses;

  private constructor(owned: AsyncDisposableStack, admin: AdminServer, addresses: TrackerAddresses) {
    this.#owned = owned;
    this.#admin = admin;
    this.addresses = addresses;
  }

  /**
   * Starts whether or not Redis can be reached: until it can, /readyz says so and announces get 503.
   * @throws ListenError, TlsFileError
   */
  static async start(config: TrackerConfig, context: TrackerContext = {}): Promise<Tracker> {
    const { log = silentLog('tracker'), clock = Date.now, prng = Math.random } = context;
    await using owned = new AsyncDisposableStack();
    const metrics = owned.adopt(createMetrics(trackerMetrics, { version }), (created) => created.close());
    const events = trackerEvents(metrics, log);
    const store = owned.use(await createStore(config, { events, clock, prng }));
    watchCounts(metrics, store, clock);
    const view = config.ui.enabled ? owned.use(new LiveView({ config, clock })) : undefined;
    const { heartbeat, handout } = config;
    const tracking = new Tracking({ store, heartbeat, handout, view, events, clock, prng });
    const admin = owned.use(await AdminServer.listen({ service: 'tracker', listen: config.admin, metrics }));
    admin.check('store', () => store.problem());
    const debug = owned.use(await DebugServer.listen({ service: 'tracker', listen: config.debug }));
    debug.register('config', () => redactConfig(trackerConfig, config));
    debug.register('swarms', (query) => store.page(query.get('cursor') ?? undefined, 1000));
    const auth = clusterAuth(config.cluster.secret);
    const app = trackerApi({ config, tracking, store, view, auth, events, log, clock });
    owned.defer(() => app.close());
    const api = await listenApp(app, 'api', config.api);
    const ui = view && (await listenUi(owned, view, config, log));
    context.signal?.throwIfAborted();
    admin.started();
    return new Tracker(owned.move(), admin, { api, admin: admin.address, debug: debug.address, ...(ui && { ui }) });
  }

  /** Answers what is under way, then closes everything. */
  async stop(): Promise<void> {
    this.#admin.stopping();
    await this.#owned.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const listenUi = async (
  owned: AsyncDisposableStack,
  view: LiveView,
  { ui }: TrackerConfig,
  log: Log,
): Promise<Address> => {
  const app = uiServer(view, ui, log);
  owned.defer(() => app.close());
  return listenApp(app, 'ui', ui);
};

const listenApp = async (app: FastifyInstance, key: string, { host, port: wanted }: Address): Promise<Address> => {
  await listening(key, { host, port: wanted }, () => app.listen({ host, port: wanted }));
  const { address, port } = app.server.address() as { address: string; port: number };
  return { host: address, port };
};
