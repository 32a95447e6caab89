import { type Address, type BlobCut, type Digest, formatAddress } from '@shoal/core';
import { Exchange, type ExchangeLimits } from '@shoal/exchange';
import { announceSwarmsMax, type HeartbeatResponse } from '@shoal/protocol';
import { listening } from '@shoal/service';
import { purge } from './cache/purge.ts';
import { Commands } from './commands/commands.ts';
import type { AgentConfig } from './config.ts';
import type { Ground } from './ground.ts';
import { PeerRecords } from './peers/peer-records.ts';
import { recordProvider } from './peers/record-provider.ts';
import { nodeDescription, nodePlatform } from './preheat/node.ts';
import { Preheater, type PreheaterOptions } from './preheat/preheater.ts';
import { Seeds } from './seeds/seeds.ts';
import { Announcer } from './tracker/announcer.ts';
import type { BlobPull } from './pull/blob-pull.ts';
import { Heartbeat } from './tracker/heartbeat.ts';
import { reportReader } from './tracker/report-body.ts';
import { Reporter } from './tracker/reporter.ts';
import { Traffic } from './tracker/traffic.ts';
import { TrackerClient } from './tracker/tracker-client.ts';

/** How an emptied tracker is refilled: over some seconds, so that a crowd of nodes does not fill it at once. */
const againSpreadMs = 5_000;

/** Of the time for a handshake: a dial that waits longer had better try somebody else. */
const dialShare = 0.6;

const exchangeLimits = ({ limits, deadlines: { linkMs } }: AgentConfig): Partial<ExchangeLimits> => ({
  blobUploadBytesPerSecondMax: limits.blobUploadBytesPerSecondMax,
  blobDownloadBytesPerSecondMax: limits.blobDownloadBytesPerSecondMax,
  dialTimeoutMs: Math.round(linkMs * dialShare),
  joinTimeoutMs: linkMs,
  dataTimeoutMs: linkMs,
});

/** What this node is to others: its exchange, what it seeds, what it tells the trackers, what it asks of peers. */
export class SwarmSide implements AsyncDisposable {
  readonly exchange: Exchange;
  readonly tracker: TrackerClient;
  readonly announcer: Announcer;
  readonly seeds: Seeds;
  readonly peers: PeerRecords;
  /** How the blobs are cut that this node receives from their own registries, for peers that ask. */
  readonly receiving: Map<Digest, BlobCut>;
  readonly #traffic: Traffic;
  readonly #ground: Ground;
  readonly #heartbeat: Heartbeat;
  #reporter: Reporter | undefined;
  #commands: Commands | undefined;

  private constructor(exchange: Exchange, traffic: Traffic, ground: Ground, receiving: Map<Digest, BlobCut>) {
    const { config, auth, pool, events, clock, prng } = ground;
    const { limits, deadlines, trackers } = config;
    this.exchange = exchange;
    this.receiving = receiving;
    this.#traffic = traffic;
    this.#ground = ground;
    const { peerId, incarnation, address, zone, role } = exchange.identity;
    const self = () => ({ peerId, incarnation, address, zone, role });
    const paced = (reportMs: number | undefined): void => this.#reporter?.pace(reportMs);
    const timeoutMs = deadlines.trackerMs;
    this.tracker = new TrackerClient({ urls: trackers, auth, timeoutMs, self, pool, events, paced });
    const announceLimits = { seedsMax: limits.seedsAnnouncedMax, batchMax: announceSwarmsMax / 2, againSpreadMs };
    this.announcer = new Announcer({ client: this.tracker, events, limits: announceLimits, clock, prng });
    this.seeds = new Seeds({ exchange, announcer: this.announcer, seedsMax: limits.seedsAnnouncedMax, clock });
    this.peers = new PeerRecords({
      exchange,
      tracker: this.tracker,
      self: peerId,
      timeoutMs: deadlines.peerMs,
      events,
    });
    this.#heartbeat = new Heartbeat({
      send: () => this.#beat(),
      forgotten: () => this.announcer.announceAll(),
      prng,
    });
  }

  /** @throws ListenError naming pieces.port */
  static async start(ground: Ground): Promise<SwarmSide> {
    const { config, node, cache, tags, referrers, events, log, prng, sockets, sendfile } = ground;
    const { pieces, cluster, zone, limits, deadlines } = config;
    const traffic = new Traffic();
    const receiving = new Map<Digest, BlobCut>();
    const exchange = await listening('pieces', pieces, () =>
      Exchange.start({
        identity: {
          ...node,
          role: 'agent',
          zone: zone ?? '',
          clusterId: cluster.id,
          address: pieces.advertise ? formatAddress(pieces.advertise) : '',
        },
        ...(cluster.secret !== undefined && { secret: cluster.secret }),
        listen: pieces,
        dataThreads: pieces.threads,
        ...(sockets && { sockets }),
        sendfile,
        limits: exchangeLimits(config),
        transportLimits: {
          handshakeTimeoutMs: deadlines.linkMs,
          pingTimeoutMs: deadlines.linkMs,
          uploadBytesPerSecondMax: limits.uploadBytesPerSecondMax,
          downloadBytesPerSecondMax: limits.downloadBytesPerSecondMax,
        },
        prng,
        log,
        events: traffic.counting(events.exchange(zone ?? '')),
        records: recordProvider({ cache, tags, referrers, receiving }),
      }),
    );
    return new SwarmSide(exchange, traffic, ground, receiving);
  }

  get address(): Address {
    return this.exchange.address;
  }

  /** From now on trackers may ask this node to fetch images and to drop blobs. */
  obey(registry: PreheaterOptions['registry']): void {
    const { cache, events } = this.#ground;
    const { seeds } = this;
    const preheater = new Preheater({ registry, cache, platform: nodePlatform });
    this.#commands = new Commands({
      handlers: {
        preheat: async ({ image = '' }, signal) => ({ bytes: await preheater.preheat(image, signal) }),
        purge: ({ digests = [] }, signal) => purge({ cache, seeds, events }, digests, signal),
      },
      ended: () => this.#heartbeat.soon(),
    });
  }

  async #beat(): Promise<HeartbeatResponse> {
    const commands = this.#commands;
    const states = commands?.states() ?? [];
    const swarms = this.announcer.confirmedCount;
    const answer = await this.tracker.heartbeat(swarms, { node: nodeDescription(this.#ground.config), states });
    commands?.told(states);
    commands?.accept(answer.commands);
    return answer;
  }

  /** From now on trackers that ask for it hear what this node does. */
  report(pulls: () => Iterable<BlobPull>): void {
    const { clock, prng, config } = this.#ground;
    const read = reportReader({
      pulls,
      seeds: () => this.seeds.served(),
      traffic: this.#traffic,
      uploadsWaiting: () => this.exchange.stats().uploadsWaiting,
      limits: config.limits,
      clock,
    });
    this.#reporter = new Reporter({ read, send: (report) => this.tracker.report(report), prng });
  }

  /** Says goodbye to trackers and peers; running uploads may end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#heartbeat.stop();
    await this.#commands?.stop();
    this.#reporter?.stop();
    await this.announcer.stop();
    await this.exchange.close();
    this.seeds.close();
  }
}
