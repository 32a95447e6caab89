/** The services of docker-compose.yml as containers of their own network, with ports that are free. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GenericContainer, Network, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { parse } from 'yaml';
import { docker } from '../support/docker.ts';

export const root = path.join(import.meta.dirname, '../..');

interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly user?: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
}

/** `${NAME:-default}` with the default: variables of whoever runs the test do not count. */
const withDefaults = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

const readServices = (): [string, ComposeService][] => {
  const text = withDefaults(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'));
  const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> };
  return Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
};

/** An image's HEALTHCHECK, asked often, with the patience that a busy machine needs. In ns, as the API wants it. */
const health = { Test: [], Interval: 5e9, Timeout: 60e9, StartPeriod: 240e9, Retries: 3 };

/** What testcontainers has no method for. */
class ComposeContainer extends GenericContainer {
  withFileSystem(readOnly: boolean, volumes: readonly string[]): this {
    this.hostConfig.ReadonlyRootfs = readOnly;
    this.createOpts.Healthcheck = health;
    this.createOpts.Volumes = Object.fromEntries(volumes.map((volume) => [volume.split(':').at(-1), {}]));
    return this;
  }

  /** In that network and no other from the start: `withNetworkAliases` wants a daemon with a default bridge. */
  withNetworkName(network: StartedNetwork, name: string): this {
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network.getName()]: { Aliases: [name] } } };
    return this.withNetwork(network);
  }

  /** Publishes ports at loopback alone. */
  withLocalPorts(...ports: number[]): this {
    this.withExposedPorts(...ports);
    const local = ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '0' }]]);
    this.hostConfig.PortBindings = Object.fromEntries(local);
    return this;
  }
}

const containerOf = (service: ComposeService, image: string): ComposeContainer => {
  const { command, environment = {}, volumes = [], ports = [], user } = service;
  const container = new ComposeContainer(image)
    .withFileSystem(service.read_only, volumes)
    .withCommand([...command])
    .withEnvironment(environment)
    .withDroppedCapabilities(...service.cap_drop)
    .withSecurityOpt(...service.security_opt)
    .withLocalPorts(...ports.map((port) => Number(port.split(':').at(-1))));
  return user === undefined ? container : container.withUser(user);
};

/** The image that docker-compose.yml names for a service. */
export const imageOf = (name: string): string => {
  const service = readServices().find(([other]) => other === name)?.[1];
  if (!service) throw new Error(`docker-compose.yml has no service ${name}`);
  return service.image;
};

export class ComposeCluster implements AsyncDisposable {
  readonly #network: StartedNetwork;
  readonly #containers = new Map<string, StartedTestContainer>();

  private constructor(network: StartedNetwork) {
    this.#network = network;
  }

  /**
   * Starts everything and waits until all containers are healthy. `images` stand in for those that the file names,
   * `environments` are added by the command of a container.
   */
  static async start(
    images: Readonly<Record<string, string>>,
    environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
  ): Promise<ComposeCluster> {
    const cluster = new ComposeCluster(await new Network().start());
    const starts = await Promise.allSettled(
      readServices().map(async ([name, service]) => {
        const wait = name === 'redis' ? Wait.forLogMessage(/Ready to accept connections/) : Wait.forHealthCheck();
        const container = containerOf(service, images[service.image] ?? service.image)
          .withEnvironment(environments[service.command[0] ?? ''] ?? {})
          .withNetworkName(cluster.#network, name)
          .withWaitStrategy(wait)
          .withStartupTimeout(300_000);
        cluster.#containers.set(name, await container.start());
      }),
    );
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed) {
      await cluster[Symbol.asyncDispose]();
      throw failed.reason;
    }
    return cluster;
  }

  /** `127.0.0.1:port` of a container's port. */
  at(name: string, port: number): string {
    return `127.0.0.1:${this.#container(name).getMappedPort(port)}`;
  }

  logs(name: string): Promise<string> {
    return docker('logs', this.#container(name).getId());
  }

  /** Stops a container as `docker stop` does. Returns the exit code: 137 when it had to be killed. */
  async stop(name: string): Promise<number> {
    const id = this.#container(name).getId();
    await docker('stop', '--time', '30', id);
    return Number(await docker('inspect', '--format', '{{.State.ExitCode}}', id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.stop({ timeout: 0 })));
    await this.#network.stop();
  }

  #container(name: string): StartedTestContainer {
    const container = this.#containers.get(name);
    if (!container) throw new Error(`docker-compose.yml has no service ${name}`);
    return container;
  }
}
