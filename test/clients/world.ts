import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { type PushedImage, pushImage } from '../../deploy/local/src/demo/push.ts';
import { Cluster, type ClusterNode, freePortBase } from '../../deploy/local/src/index.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { TokenServer } from '../support/upstream/token-server.ts';
import { FaultPlan } from './proxy/byte-fault.ts';
import { HttpProxy } from './proxy/http-proxy.ts';
import { TcpProxy } from './proxy/tcp-proxy.ts';
import { type Hub, startHub } from './hub.ts';
import { tokenGate, type TokenGate } from './token-gate.ts';

export interface TestImage extends PushedImage {
  /** Of manifest and configuration: clients name an image by either. */
  readonly digests: readonly string[];
}

/** What stands between upstream, origin and agents, each place where a fault can be. */
export interface Links {
  readonly registry: DockerRegistry;
  /** The upstream as origin and clients reach it. */
  readonly upstream: HttpProxy;
  readonly tokens: TokenGate;
  /** The same registry for clients that pull without Shoal, with faults of its own. */
  readonly plain: HttpProxy;
  readonly originHttp: HttpProxy;
  readonly originPieces: TcpProxy;
  /** The upstream in the place of Docker Hub. */
  readonly hub: Hub;
}

/** The name under which the origin knows the upstream, beside its address. */
export const upstreamName = 'registry.example.com';

const imageBytes = 12 * MiB;
const agentCount = 2;
const startsMax = 4;
/** Who may pull what the upstream wants tokens for; the origin is one, and so are clients that log in. */
export const user = { name: 'robot', password: 'only-in-tests' };

/** What happens while a client pulls. */
class Meanwhile {
  #ending = new AbortController();
  #work: Promise<void> = Promise.resolve();

  start(work: (signal: AbortSignal) => Promise<void>): void {
    this.#ending = new AbortController();
    this.#work = work(this.#ending.signal).catch(() => {});
  }

  /** Waits for it, and ends what it still waits for. */
  async end(): Promise<void> {
    this.#ending.abort(new Error('the pull is over'));
    await this.#work;
  }
}

export interface WorldOptions {
  /** Whether the agent that clients pull from asks the upstream what each of them may have. */
  readonly verify?: boolean;
  /** Whether it may ask the upstream itself while no origin answers. */
  readonly direct?: boolean;
}

/** docker-registry as the upstream, an origin, a tracker and two agents: one that clients pull from, and a peer. */
export class World implements AsyncDisposable {
  readonly links: Links;
  readonly cluster: Cluster;
  /** A listener of the agent that is the upstream, as Docker Hub, to its clients. */
  readonly hubMirror: string;
  readonly meanwhile = new Meanwhile();
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: AsyncDisposableStack, links: Links, cluster: Cluster, hubMirror: string) {
    this.#parts = parts;
    this.links = links;
    this.cluster = cluster;
    this.hubMirror = hubMirror;
  }

  /** Ports are free when they are chosen; somebody else may be faster, so there are some tries. */
  static async start(options: WorldOptions = {}): Promise<World> {
    for (let left = startsMax - 1; ; left--) {
      try {
        return await World.#startOnce(options);
      } catch (error) {
        if (left === 0 || !/in use|EADDRINUSE/.test(String(error))) throw error;
      }
    }
  }

  static async #startOnce({ verify = false, direct = false }: WorldOptions): Promise<World> {
    await using parts = new AsyncDisposableStack();
    const registry = parts.use(await startDockerRegistry());
    const tokens = tokenGate(parts.use(await TokenServer.start({ tls: false, user })));
    const upstream = parts.use(await HttpProxy.start(() => registry.url, '/blobs/', tokens.answer));
    const plain = parts.use(await HttpProxy.start(() => registry.url, '/blobs/', tokens.answer));
    const behind: { origin?: ClusterNode } = {};
    const originHttp = parts.use(await HttpProxy.start(() => behind.origin?.url ?? '', '/content/'));
    const originPieces = parts.use(await TcpProxy.start(() => behind.origin?.layout.ports.pieces ?? 0));
    const data = await mkdtemp(path.join(tmpdir(), 'shoal-clients-'));
    parts.defer(() => rm(data, { recursive: true, force: true }));
    const hub = parts.use(await startHub(data, () => upstream.url));
    const names = [upstreamName, upstream.host, 'docker.io'];
    const known = names.map((host) => ({ host, url: upstream.url, insecure: true }));
    const login = { username: user.name, password: user.password };
    const registries = known.map((entry) => ({ ...entry, ...login, tagRevalidateMs: 0 }));
    const upstreams = direct ? { upstreams: { registries } } : {};
    const access = verify ? { access: { mode: 'verify', registries: known } } : {};
    const origin = { upstreams: { registries }, pieces: { advertise: `127.0.0.1:${originPieces.port}` } };
    const overrides = { origin, agent: { origins: [originHttp.url] } };
    const basePort = await freePortBase(agentCount + 2);
    const cluster = parts.use(await Cluster.start({ agents: 0, data, basePort, overrides }));
    behind.origin = cluster.origin;
    const hubPort = await freePortBase(1);
    await cluster.addAgent({
      ...access,
      ...upstreams,
      registry: { mirrors: [{ upstream: 'docker.io', port: hubPort }] },
    });
    await cluster.addAgent();
    const links = { registry, upstream, tokens, plain, originHttp, originPieces, hub };
    return new World(parts.move(), links, cluster, `http://127.0.0.1:${hubPort}`);
  }

  get agent(): ClusterNode {
    return this.#agent(0);
  }

  get peer(): ClusterNode {
    return this.#agent(1);
  }

  #agent(index: number): ClusterNode {
    const node = this.cluster.agents[index];
    if (!node) throw new Error(`there is no agent ${index}`);
    return node;
  }

  /** An image at the upstream that nobody has yet. */
  async push(repository: string): Promise<TestImage> {
    const layers = planLayers(imageBytes, 3);
    const seed = `${process.pid}/${repository}`;
    const image = await pushImage(this.links.registry.url, { repository, tag: '1', layers, seed });
    const { config } = JSON.parse(image.manifest.toString()) as { config: { digest: string } };
    return { ...image, digests: [image.manifestDigest, config.digest] };
  }

  /** The peer pulls the image by every name that clients have for the upstream. */
  async warmPeer(image: TestImage): Promise<void> {
    for (const host of [upstreamName, this.links.upstream.host.replace(':', '_'), 'docker.io']) {
      const named = { ...image, repository: `${host}/${image.repository}` };
      const { mismatches } = await pullImage(this.peer.url, named, { received: () => {} });
      if (mismatches.length > 0) throw new Error(`the peer got wrong bytes: ${mismatches.join(', ')}`);
    }
  }

  /** No faults any more, and everything runs. */
  async heal(): Promise<void> {
    await this.meanwhile.end();
    const { upstream, plain, originHttp, originPieces, tokens } = this.links;
    for (const proxy of [upstream, plain, originHttp, originPieces]) {
      proxy.plan.end();
      proxy.plan = new FaultPlan();
    }
    tokens.demanded = false;
    for (const proxy of [upstream, plain, originHttp]) await proxy.listen();
    for (const node of this.cluster.nodes) if (!node.running) await node.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}
