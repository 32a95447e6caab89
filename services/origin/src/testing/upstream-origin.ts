import { Writable } from 'node:stream';
import { createLogger } from '@shoal/service';
import { FakeUpstream, type FakeUpstreamOptions } from '../../../../test/support/upstream/fake-upstream.ts';
import { startOrigin, type TestOrigin } from './test-origin.ts';

export interface UpstreamWorld extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly origin: TestOrigin;
  /** What the upstream's repositories are called at the origin: `127.0.0.1_<port>`. */
  readonly host: string;
  /** Everything that the origin has logged. */
  readonly logged: () => string;
  /** The sum of a metric over the series that carry the labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

/** An origin with a fake upstream behind it. */
export const upstreamWorld = async (
  upstream: FakeUpstreamOptions = {},
  registry: object = {},
  upstreams: object = {},
): Promise<UpstreamWorld> => {
  const fake = await FakeUpstream.start(upstream);
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const entry = { host: fake.host, url: fake.url, insecure: upstream.tls !== true, ...registry };
  const origin = await startOrigin(
    { upstreams: { registries: [entry], tagRevalidateMs: 0, hurriedMs: 1000, ...upstreams } },
    { log: createLogger({ service: 'origin', level: 'trace', destination }) },
  );
  return {
    fake,
    origin,
    host: fake.host.replace(':', '_'),
    logged: () => lines.join(''),
    metric: async (name, labels = {}) => {
      const text = await (await fetch(`${origin.adminUrl}/metrics`)).text();
      return text
        .split('\n')
        .filter((line) => line.startsWith(`shoal_origin_${name}{`))
        .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    [Symbol.asyncDispose]: async () => {
      await origin[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
};
