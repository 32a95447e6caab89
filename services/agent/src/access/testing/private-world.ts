import { Writable } from 'node:stream';
import { createLogger, type Log } from '@shoal/service';
import { FakeUpstream, type FakeUpstreamOptions } from '../../../../../test/support/upstream/fake-upstream.ts';
import { type TestAgent, World } from '../../testing/world.ts';

export const upstreamHost = 'up.example.com:5000';
/** What the cluster calls the private repository of the upstream. */
export const privateName = 'up.example.com_5000/private/app';
export const publicName = 'up.example.com_5000/public/app';

export const user = { name: 'alice', password: 'a secret of alice' };
export const basicOf = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
export const basic = basicOf(user.name, user.password);

/** No deadline of these tests is to be met by a busy machine. */
export const patient = { originMs: 30_000, upstreamMs: 30_000, firstByteMs: 60_000 };

/** The section of an agent that checks its clients' credentials with the upstream. */
export const verify = (fake: FakeUpstream, more: object = {}): object => ({
  mode: 'verify',
  registries: [{ host: upstreamHost, url: fake.url, insecure: true }],
  deadlineMs: '30s',
  ...more,
});

export interface PrivateWorld extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly world: World;
  readonly log: Log;
  /** Everything that the origin, and who else got `log`, has logged. */
  readonly logged: () => string;
  /** An agent that checks. */
  agent(name: string, access?: object, sections?: object): Promise<TestAgent>;
}

/** A cluster whose origin has a login for an upstream with a private and a public repository. */
export const privateWorld = async (
  upstream: FakeUpstreamOptions = { auth: 'bearer' },
  origin: object = {},
): Promise<PrivateWorld> => {
  const fake = await FakeUpstream.start({ user, separate: true, ...upstream });
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger({ service: 'test', level: 'trace', destination });
  const { name: username, password } = user;
  const entry = { host: upstreamHost, url: fake.url, insecure: true, username, password };
  const sections: object = { upstreams: { registries: [entry], tagRevalidateMs: 0, hurriedMs: '30s' }, ...origin };
  const world = await World.start(sections, { log });
  return {
    fake,
    world,
    log,
    logged: () => lines.join(''),
    agent: (name, access = {}, sections = {}) =>
      world.agent(name, { access: verify(fake, access), deadlines: patient, ...sections }, { log }),
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
};

/** Changes credentials for a token as a Bearer challenge says. */
export const tokenFor = async (challenge: string | null, authorization?: string): Promise<Response> => {
  const [, realm = '', service = '', scope = ''] =
    /^Bearer realm="([^"]+)",service="([^"]+)"(?:,scope="([^"]+)")?/.exec(challenge ?? '') ?? [];
  const url = new URL(realm);
  url.searchParams.set('service', service);
  if (scope !== '') url.searchParams.set('scope', scope);
  return fetch(url, { headers: authorization === undefined ? {} : { authorization } });
};

/** The Authorization header of a client that was challenged for `path` and has a login. */
export const login = async (agent: TestAgent, path: string, authorization?: string): Promise<string> => {
  const answer = await agent.get(path);
  if (answer.status !== 401) throw new Error(`${path}: ${answer.status} instead of 401`);
  const given = await tokenFor(answer.headers.get('www-authenticate'), authorization);
  return `Bearer ${((await given.json()) as { token?: string }).token}`;
};

/** What a client gets that brings these credentials. */
export const statusOf = async (
  agent: TestAgent,
  path: string,
  authorization?: string,
  method = 'GET',
): Promise<number> => {
  const answer = await agent.get(path, authorization === undefined ? {} : { authorization }, method);
  await answer.arrayBuffer();
  return answer.status;
};
