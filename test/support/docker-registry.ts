import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePortBase } from '../../deploy/local/src/index.ts';
import { Background } from './run.ts';

/** Debian's docker-registry: the upstream that nobody of this project has written. */
export interface DockerRegistry extends AsyncDisposable {
  readonly url: string;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** How often something was asked for, by its access log: a method, and a part of the path. */
  asked(method: string, part: string): number;
  /** Who asked, by User-Agent. */
  clients(): Set<string>;
  /** Ends it, as an outage; dispose afterwards all the same. */
  stop(): Promise<void>;
}

/** On a port and in a folder of its own. */
export const startDockerRegistry = async (): Promise<DockerRegistry> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-registry-'));
  const host = `127.0.0.1:${await freePortBase(1)}`;
  const config = {
    version: 0.1,
    log: { level: 'info', fields: { service: 'registry' } },
    storage: { filesystem: { rootdirectory: path.join(folder, 'data') } },
    http: { addr: host },
  };
  const configFile = path.join(folder, 'config.yml');
  await writeFile(configFile, JSON.stringify(config));
  const registry = new Background('docker-registry', ['serve', configFile]);
  await registry.printed(/listening on/);
  // Common Log Format: host - - [date] "GET /v2/... HTTP/1.1" 200 123 "referrer" "user agent"
  const requests = (): RegExpExecArray[] =>
    registry.lines
      .map((line) => /"([A-Z]+) (\S+) HTTP\/1\.1" \d+ \d+ "[^"]*" "([^"]*)"/.exec(line))
      .filter((match) => match !== null);
  return {
    url: `http://${host}`,
    host,
    asked: (method, part) =>
      requests().filter(([, verb, target = '']) => verb === method && target.includes(part)).length,
    clients: () => new Set(requests().map(([, , , agent = '']) => agent)),
    stop: () => registry[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
