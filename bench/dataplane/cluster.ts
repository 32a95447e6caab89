import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pemFile } from '../../test/support/tls/certificates.ts';
import { Service } from './processes.ts';

const anyPort = { host: '127.0.0.1', port: 0 };
/** Nothing listens there: the discard port. */
const nobody = 'http://127.0.0.1:9';

/**
 * An origin, a tracker and two agents. The second agent knows no origin: all that it gets it gets from the first, which
 * is how agent to agent is measured without bytes of the origin in between.
 */
export class BenchCluster {
  /** On the disk: what is pushed, and what the origin keeps. */
  readonly folder: string;
  /** Where agents keep what they pull. */
  readonly caches: string;
  readonly origin: Service;
  readonly tracker: Service;
  readonly agent: Service;
  readonly follower: Service;
  readonly #parts: AsyncDisposableStack;
  readonly #followerConfig: object;
  /** Services that are started when they are asked for, by name. */
  readonly #kept = new Map<string, Promise<Service>>();
  readonly #profiles: string | undefined;
  #secured: Promise<Pair> | undefined;
  #copying: Promise<Pair> | undefined;

  private constructor(
    folder: string,
    caches: string,
    services: Pick<BenchCluster, 'origin' | 'tracker' | 'agent' | 'follower'>,
    { parts, profiles, followerConfig }: Belongings,
  ) {
    this.folder = folder;
    this.caches = caches;
    this.origin = services.origin;
    this.tracker = services.tracker;
    this.agent = services.agent;
    this.follower = services.follower;
    this.#parts = parts;
    this.#followerConfig = followerConfig;
    this.#profiles = profiles;
  }

  /** `profiles`: a folder for CPU profiles, which every service writes when it stops. */
  static async start(folder: string, caches: string, profiles: string | undefined): Promise<BenchCluster> {
    await using parts = new AsyncDisposableStack();
    const start = async (kind: 'origin' | 'tracker' | 'agent', name: string, config: object): Promise<Service> =>
      parts.use(await startService(folder, kind, name, config, profiles));
    const origin = await start('origin', 'origin', {
      registry: anyPort,
      pieces: anyPort,
      folder: path.join(folder, 'origin'),
    });
    const tracker = await start('tracker', 'tracker', { api: anyPort, ui: { enabled: false } });
    const [trackers, origins] = [[tracker.url('api')], [origin.url('registry')]];
    const agent = await start('agent', 'agent', agentConfig(caches, 'agent', { trackers, origins }));
    const { keys } = (await (await fetch(`${origin.url('registry')}/shoal/v1/cluster`)).json()) as { keys: unknown };
    const followerConfig = { trackers, origins: [nobody], trust: { keys } };
    const follower = await start('agent', 'follower', agentConfig(caches, 'follower', followerConfig));
    return new BenchCluster(
      folder,
      caches,
      { origin, tracker, agent, follower },
      {
        parts: parts.move(),
        profiles,
        followerConfig,
      },
    );
  }

  /** An agent that knows no origin and receives with two threads: one for each of the other two agents. */
  threaded(): Promise<Service> {
    const config = { ...this.#followerConfig, pieces: { ...anyPort, threads: 2 } };
    return this.#keep('agent', 'threaded', agentConfig(this.caches, 'threaded', config));
  }

  /** An agent whose cache lies on the disk, with sendfile(2) or without; started when it is asked for. */
  diskAgent(sendfile: 'on' | 'off'): Promise<Service> {
    const name = `disk-agent-sendfile-${sendfile}`;
    // Of the other agents it is not to hear: their copies may be emptied by then.
    const others = { trackers: [nobody], origins: [this.origin.url('registry')] };
    return this.#keep('agent', name, { ...agentConfig(this.folder, name, others), sendfile: setting[sendfile] });
  }

  /** An origin without sendfile(2), started when it is asked for. */
  copyingOrigin(): Promise<Service> {
    const folder = path.join(this.folder, 'copying-origin');
    return this.#keep('origin', 'copying-origin', { registry: anyPort, pieces: anyPort, folder, sendfile: 'off' });
  }

  #keep(kind: 'origin' | 'agent', name: string, config: object): Promise<Service> {
    const known = this.#kept.get(name);
    if (known) return known;
    const started = startService(this.folder, kind, name, config, this.#profiles).then((each) => this.#parts.use(each));
    this.#kept.set(name, started);
    return started;
  }

  /** A fresh agent, for figures that a former transfer would spoil. */
  freshAgent(name: string, rest: object = {}): Promise<Service> {
    const others = { trackers: [this.tracker.url('api')], origins: [this.origin.url('registry')], ...rest };
    return startService(this.folder, 'agent', name, agentConfig(this.caches, name, others), undefined);
  }

  /** A second origin, over a folder of its own. */
  freshOrigin(name: string, folder: string): Promise<Service> {
    return startService(this.folder, 'origin', name, { registry: anyPort, pieces: anyPort, folder }, undefined);
  }

  /** Two more agents, which speak TLS to each other and to nobody else; started when they are asked for. */
  securedPair(): Promise<Pair> {
    return (this.#secured ??= this.#startPair('secured', { pieces: { ...anyPort, tls: certificate } }));
  }

  /** Two more that do without sendfile(2), and hear of nobody else: they have a tracker of their own. */
  copyingPair(): Promise<Pair> {
    return (this.#copying ??= this.#startCopying());
  }

  async #startCopying(): Promise<Pair> {
    const config = { api: anyPort, ui: { enabled: false } };
    const name = 'copying-tracker';
    const tracker = this.#parts.use(await startService(this.folder, 'tracker', name, config, this.#profiles));
    return this.#startPair('copying', { sendfile: 'off', trackers: [tracker.url('api')] });
  }

  async #startPair(name: string, ofBoth: object): Promise<Pair> {
    const start = async (which: string, rest: object): Promise<Service> => {
      const config = agentConfig(this.caches, `${name}-${which}`, { ...rest, ...ofBoth });
      return this.#parts.use(await startService(this.folder, 'agent', `${name}-${which}`, config, this.#profiles));
    };
    const [trackers, origins] = [[this.tracker.url('api')], [this.origin.url('registry')]];
    return {
      sender: await start('agent', { trackers, origins }),
      receiver: await start('follower', this.#followerConfig),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

interface Belongings {
  readonly parts: AsyncDisposableStack;
  readonly profiles: string | undefined;
  readonly followerConfig: object;
}

/** An agent that has a blob, and one that can get it from nobody else. */
export interface Pair {
  readonly sender: Service;
  readonly receiver: Service;
}

const certificate = { certFile: pemFile('member'), keyFile: pemFile('member-key'), caFile: pemFile('ca') };

const setting = { on: 'auto', off: 'off' } as const;

const agentConfig = (caches: string, name: string, rest: object): object => ({
  registry: anyPort,
  pieces: anyPort,
  cache: { folder: path.join(caches, name), quotaBytes: '1TiB' },
  ...rest,
});

const startService = async (
  folder: string,
  kind: 'origin' | 'tracker' | 'agent',
  name: string,
  config: object,
  profiles: string | undefined,
): Promise<Service> => {
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify({ admin: anyPort, debug: anyPort, ...config }));
  const profiler =
    profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles, '--cpu-prof-name', `${name}.cpuprofile`];
  return Service.start(kind, name, file, profiler);
};
