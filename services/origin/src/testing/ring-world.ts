import { setTimeout as sleep } from 'node:timers/promises';
import { FakeUpstream, type FakeUpstreamOptions } from '../../../../test/support/upstream/fake-upstream.ts';
import { freePorts } from '../../../../test/support/free-ports.ts';
import { startOrigin, type TestOrigin } from './test-origin.ts';

export interface RingWorld extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly origins: readonly TestOrigin[];
  /** What the upstream's repositories are called: `up.example.com_5000`. */
  readonly host: string;
  readonly urls: readonly string[];
}

/** Resolves when every origin sees `others` further ones. */
export const ringComplete = async (origins: readonly Pick<TestOrigin, 'origin'>[], others: number): Promise<void> => {
  const sees = async ({ origin }: Pick<TestOrigin, 'origin'>): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${origin.addresses.debug.port}/debug/ring`);
    return ((await answer.json()) as { up: string[] }).up.length === others;
  };
  for (let round = 0; round < 3000; round++) {
    if ((await Promise.all(origins.map(sees))).every(Boolean)) return;
    await sleep(20);
  }
  throw new Error('the origins do not see each other');
};

/** Origins that share their work, with one fake upstream behind them. */
export const ringWorld = async (
  count: number,
  upstream: FakeUpstreamOptions = {},
  upstreams: object = {},
): Promise<RingWorld> => {
  const fake = await FakeUpstream.start(upstream);
  const ports = await freePorts(count);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const entry = { host: 'up.example.com:5000', url: fake.url, insecure: true };
  const origins = await Promise.all(
    ports.map((port) =>
      startOrigin({
        registry: { port },
        ring: { origins: urls, checkMs: '30s' },
        upstreams: { registries: [entry], tagRevalidateMs: 0, hurriedMs: 1000, ...upstreams },
      }),
    ),
  );
  await ringComplete(origins, count - 1);
  return {
    fake,
    origins,
    urls,
    host: 'up.example.com_5000',
    [Symbol.asyncDispose]: async () => {
      await Promise.all(origins.map((origin) => origin[Symbol.asyncDispose]()));
      await fake[Symbol.asyncDispose]();
    },
  };
};
