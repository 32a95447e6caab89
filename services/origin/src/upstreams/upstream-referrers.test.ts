import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendJson } from '../../../../test/support/upstream/http-side.ts';
import { type UpstreamWorld, upstreamWorld } from '../testing/upstream-origin.ts';

const subject = `sha256:${'a'.repeat(64)}`;
const entry = (digit: string, artifactType = 'a/b') => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${digit.repeat(64)}`,
  size: 2,
  artifactType,
});

const list = async ({ origin, host }: UpstreamWorld, query: Record<string, string> = {}) => {
  const answer = await origin.client.call('GET', `/v2/${host}/team/app/referrers/${subject}`, { query });
  const { manifests } = answer.json() as { manifests?: readonly { digest: string }[] };
  return { ...answer, digests: manifests?.map(({ digest }) => digest.slice(7, 8)).join('') };
};

/** The upstream answers questions for referrers with these pages. */
const pages = ({ fake }: UpstreamWorld, ...lists: object[][]): void => {
  fake.misbehave = (_request, reply, url) => {
    if (!url.pathname.includes('/referrers/')) return false;
    const page = Number(url.searchParams.get('page') ?? 0);
    const link = `<${url.pathname}?page=${page + 1}>; rel="next"`;
    sendJson(reply, 200, { manifests: lists[page] }, page + 1 < lists.length ? { link } : {});
    return true;
  };
};

test('all pages of an upstream are one list', async () => {
  await using world = await upstreamWorld();
  pages(world, [entry('1')], [entry('2', 'c/d'), entry('3')]);
  assert.equal((await list(world)).digests, '123');
  assert.equal((await list(world, { artifactType: 'c/d' })).digests, '2');
});

test('an answer is good for as long as that about a tag, and twenty who ask at once ask once', async () => {
  await using world = await upstreamWorld({}, { tagRevalidateMs: '1h' });
  pages(world, [entry('1')]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => list(world)));
  assert.ok(answers.every(({ digests }) => digests === '1'));
  await list(world);
  assert.equal(world.fake.asked('GET', '/referrers/'), 1);
});

test('while an upstream does not answer its last word is served, and without one nobody hears that there are none', async () => {
  await using world = await upstreamWorld();
  const { fake } = world;
  pages(world, [entry('1')]);
  assert.equal((await list(world)).headers['warning'], undefined);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(503).end();
    return true;
  };
  const stale = await list(world);
  assert.equal(stale.digests, '1');
  assert.match(String(stale.headers['warning']), /^110 /);
  assert.equal(await world.metric('upstream_stale_total'), 1);
  const { origin, host } = world;
  const other = await origin.client.call('GET', `/v2/${host}/team/other/referrers/${subject}`);
  assert.equal(other.status, 502);
});

test('a registry that does not let us look is no registry where nothing refers to it', async () => {
  await using world = await upstreamWorld({
    auth: 'bearer',
    user: { name: 'alice', password: 'unknown to the origin' },
  });
  const { origin, host } = world;
  const answer = await origin.client.call('GET', `/v2/${host}/private/app/referrers/${subject}`);
  assert.equal(answer.status, 404);
});
