import { join } from 'node:path';
import { type Address, type PieceLengthPolicy, type RepositoryName, ShoalError } from '@shoal/core';
import { protocolVersion } from '@shoal/protocol';
import { closeRegistryServer } from '@shoal/registry';
import {
  AdminServer,
  clusterAuth,
  createMetrics,
  DebugServer,
  followTls,
  folderRoom,
  listening,
  type Log,
  silentLog,
  version,
} from '@shoal/service';
import { detectSendfile } from '@shoal/transport/sendfile';
import { BlobStore, SigningKey } from '@shoal/store';
import { TlsSockets } from '@shoal/transport';
import type { FastifyInstance } from 'fastify';
import { AccessTokens } from './auth/access-tokens.ts';
import { HtpasswdFile } from './auth/htpasswd.ts';
import { Users } from './auth/users.ts';
import { Catalog } from './catalog/catalog.ts';
import { makeFolder } from './catalog/folders.ts';
import { ColdBlobs } from './cold/cold-blobs.ts';
import type { ColdProvider } from './cold/cold-source.ts';
import type { OriginConfig } from './config.ts';
import { Content, type ContentEvents } from './content.ts';
import { OriginEvents } from './events.ts';
import { originMetrics } from './metrics.ts';
import { watch } from './watch.ts';
import { folderCheck } from './folder-check.ts';
import { Collector } from './gc/collector.ts';
import { loadPeerId } from './identity.ts';
import { Manifests } from './manifest/manifests.ts';
import { BlobReceiver } from './push/blob-receiver.ts';
import { createOriginServer } from './registry-server.ts';
import { openRing } from './ring/open-ring.ts';
import { Seeding } from './seeding/seeding.ts';
import { PulledBlobs } from './upstreams/pulled-blobs.ts';
import { openUpstreamSide, type UpstreamSide } from './upstreams/upstream-side.ts';

export interface OriginOptions {
  readonly log?: Log;
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Where blobs come from that the origin does not have, besides its upstream registries. */
  readonly coldProviders?: readonly ColdProvider[];
}

export interface OriginAddresses {
  readonly registry: Address;
  readonly pieces: Address;
  readonly admin: Address;
  readonly debug: Address;
  readonly [name: string]: Address;
}

/** An OCI registry that stores what is pushed and seeds it: registry, control API, piece listener, metrics, debug. */
export class Origin implements AsyncDisposable {
  readonly addresses: OriginAddresses;
  readonly #parts: AsyncDisposableStack;
  readonly #admin: AdminServer;

  private constructor(addresses: OriginAddresses, admin: AdminServer, parts: AsyncDisposableStack) {
    this.addresses = addresses;
    this.#admin = admin;
    this.#parts = parts;
  }

  /** @throws ListenError, FolderInUseError, TlsFileError, ShoalError HTPASSWD_INVALID or FOLDER_UNUSABLE; nothing stays open then */
  static async start(config: OriginConfig, options: OriginOptions = {}): Promise<Origin> {
    const { log = silentLog('origin'), clock = Date.now } = options;
    await using parts = new AsyncDisposableStack();
    const metrics = parts.adopt(createMetrics(originMetrics, { version }), (created) => created.close());
    const events = new OriginEvents(metrics, log);
    const admin = parts.use(await AdminServer.listen({ service: 'origin', listen: config.admin, metrics }));
    const debug = parts.use(await DebugServer.listen({ service: 'origin', listen: config.debug }));

    const sendfile = await detectSendfile(config.sendfile, log);
    const { key, peerId, policy, blobs, catalog } = await openStorage(config, events, clock);
    parts.defer(() => blobs.close());
    const { tls: files } = config.pieces;
    const sockets = followTls(parts, { key: 'pieces.tls', files, log, open: (tls) => new TlsSockets(tls) });
    const paths = { sockets, sendfile };
    const seeding = parts.use(await Seeding.start({ config, blobs, catalog, peerId, events, log, clock, ...paths }));
    const late: { pulled?: PulledBlobs } = {};
    const content = new Content(blobs, catalog, contentEvents(seeding, events, late));
    await deleteUnlinked(content, events);
    const bytesReceived = (bytes: number): void => events.bytesReceived(bytes);
    const receiver = new BlobReceiver(content, { ...config.uploads, bytesReceived });
    parts.use(expireUploads(blobs, config.uploads.expireAfterMs, events));

    const { stallMs, activeMax } = config.fetches;
    const { stallTimeoutMs: firstByteMs } = config.pulls;
    const reserve = async (...room: Parameters<PulledBlobs['reserve']>) => late.pulled?.reserve(...room);
    const cold = parts.use(new ColdBlobs({ content, seeding, events, stallMs, firstByteMs, activeMax, reserve }));
    for (const provider of options.coldProviders ?? []) cold.addProvider(provider);
    const auth = clusterAuth(config.cluster.secret);
    const ring = await openRing(parts, { config, peerId, auth, metrics, log });
    const upstreams = openUpstreamSide(parts, { config, content, cold, ring, metrics, log });
    const pulled = (late.pulled = pulledBlobs(config, content, upstreams, events, clock));
    await pulled.load();
    const manifests = new Manifests(content, { sparse: config.manifests.sparse, events });
    const isUpstream = (name: RepositoryName): boolean => upstreams.pullThrough.owns(name);
    const collector = parts.use(new Collector({ ...config.gc, content, manifests, isUpstream, events, clock }));
    const stopBodies = new AbortController();
    const app = createOriginServer({
      config,
      log,
      events,
      content,
      cold,
      manifests,
      collector,
      receiver,
      users: parts.use(await usersOf(config, events, clock)),
      tokens: new AccessTokens(key, clock),
      signer: key,
      auth,
      ring,
      cluster: {
        clusterId: config.cluster.id,
        protocolVersion,
        pieceLengthPolicy: policy,
        keys: [key.record],
        piecesAddress: seeding.advertised,
        peerId,
        zone: config.zone ?? '',
        names: [...upstreams.ownNames],
      },
      upstreams,
      sendfile,
      stop: stopBodies.signal,
    });
    parts.defer(() => closeRegistryServer(app, config.stop.timeoutMs / 2, stopBodies));
    const { host, port } = config.registry;
    await listening('registry', config.registry, () => app.listen({ host, port }));
    watch(metrics, { config, blobs, receiver, seeding, cold, pulled });
    debug.register('origin', () => ({ blobs: blobs.count, uploads: blobs.uploads.count, pieces: seeding.stats() }));
    debug.register('ring', () => ring.state);
    options.signal?.throwIfAborted();
    admin.check('folder', folderCheck(config.folder, config.readiness.freeBytesMin));
    admin.check('pieces', () => (seeding.listening ? undefined : 'the piece listener is closed'));
    admin.started();
    const addresses = {
      registry: boundAddress(app),
      pieces: seeding.address,
      admin: admin.address,
      debug: debug.address,
    };
    return new Origin(addresses, admin, parts.move());
  }

  /** Finishes what is under way, for half of `stop.timeoutMs` at most; running bodies end with FIN. */
  async stop(): Promise<void> {
    if (!this.#parts.disposed) this.#admin.stopping();
    await this.#parts.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The folder of the origin: `store/`, `repositories/`, `signing-key.pem`, `peer-id`. */
const openStorage = async (config: OriginConfig, events: OriginEvents, clock: () => number) => {
  const { folder, pieceLength, uploads } = config;
  await makeFolder('/', folder).catch((error: unknown) => unusable(folder, error));
  const key = await SigningKey.loadOrCreate(join(folder, 'signing-key.pem')).catch((error: unknown) =>
    unusable(folder, error),
  );
  const policy: PieceLengthPolicy = {
    piecesTarget: pieceLength.piecesTarget,
    lengthMin: pieceLength.minBytes,
    lengthMax: pieceLength.maxBytes,
  };
  // The store takes the folder for this process: a second one fails here, before it reads the catalog.
  const blobs = await BlobStore.open({
    folder: join(folder, 'store'),
    policy,
    key,
    clock,
    uploadsMax: uploads.openMax,
    onCorrupt: (digest) => events.blobCorrupt(digest),
  });
  try {
    const catalog = await Catalog.open({ folder: join(folder, 'repositories'), signer: key, clock });
    return { key, policy, blobs, catalog, peerId: await loadPeerId(folder) };
  } catch (error) {
    await blobs.close();
    throw error;
  }
};

/** What a crash left without an owner takes space for nothing; that it cannot be deleted is no reason not to start. */
const deleteUnlinked = (content: Content, events: OriginEvents): Promise<void> =>
  content.deleteUnlinked().then(
    (count) => events.unlinkedDeleted(count),
    (error: unknown) => events.unlinkedFailed(error),
  );

const unusable = (folder: string, cause: unknown): never => {
  if (cause instanceof ShoalError && cause.code !== 'STORE_FULL') throw cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new ShoalError('FOLDER_UNUSABLE', 500, `folder: ${folder} can't be used: ${reason}`, { cause });
};

/** `late`: what is pulled through is known only when there are upstreams. */
const contentEvents = (
  seeding: Seeding,
  events: OriginEvents,
  late: { readonly pulled?: PulledBlobs },
): ContentEvents => ({
  contentLinked: (digest) => seeding.add(digest),
  contentDropped: async (digest) => {
    await seeding.remove(digest);
    late.pulled?.dropped(digest);
    events.contentDropped(digest);
  },
  blobLinked: (...link) => late.pulled?.linked(...link),
  contentUsed: (digest) => late.pulled?.used(digest),
});

const pulledBlobs = (
  { folder, fetches }: OriginConfig,
  content: Content,
  { pullThrough }: UpstreamSide,
  events: OriginEvents,
  clock: () => number,
): PulledBlobs =>
  new PulledBlobs({
    content,
    owns: (name) => pullThrough.owns(name),
    bytesMax: fetches.keptBytesMax,
    freeBytesMin: fetches.freeBytesMin,
    freeBytes: async () => (await folderRoom(folder)).freeBytes,
    events,
    clock,
  });

const sweepIntervalMs = 60_000;

/** Discards uploads that nobody goes on with, at the start and every minute. */
const expireUploads = (blobs: BlobStore, olderThanMs: number, events: OriginEvents): Disposable => {
  const sweep = (): void => {
    blobs.uploads.expire(olderThanMs).then(
      (count) => events.uploadsExpired(count),
      (error: unknown) => events.expiryFailed(error),
    );
  };
  sweep();
  const timer = setInterval(sweep, sweepIntervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

const usersOf = async (
  { auth }: OriginConfig,
  events: OriginEvents,
  clock: () => number,
): Promise<Users | undefined> => {
  if (auth.htpasswdFile === undefined && auth.tokens.length === 0) return undefined;
  const htpasswd =
    auth.htpasswdFile === undefined ? undefined : await HtpasswdFile.open(auth.htpasswdFile, clock, events);
  return new Users({ htpasswd, tokens: auth.tokens, clock });
};

const boundAddress = (app: FastifyInstance): Address => {
  const address = app.server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('the registry does not listen on TCP');
  return { host: address.address, port: address.port };
};
