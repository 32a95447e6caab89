import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Digest, KiB } from '@shoal/core';
import { BodyReader, GatedSource } from '../testing/gated-source.ts';
import { digestOfBytes, type TestAgent, urlOf, World } from '../testing/world.ts';

const piece = 256 * KiB;
const pieces = 12;
const size = pieces * piece - 1000;
const here = 4 * piece;

/** A blob of which a third has come to the origin, and who can be asked for it: the agent and the origin. */
const start = async (o: { sized?: boolean; origin?: object } = {}) => {
  const bytes = randomBytes(size);
  const digest = digestOfBytes(bytes);
  const source = new GatedSource(digest, bytes, o);
  const world = await World.start(o.origin, { coldProviders: [source] });
  const deadlines = { originMs: 60_000, firstByteMs: 60_000, stallMs: 60_000 };
  const agent = await world.agent('a', { deadlines });
  source.allow(here);
  const servers = { agent: agent.url, origin: urlOf(world.origin.addresses.registry) };
  return { bytes, digest, source, world, agent, servers, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
};

const ask = (server: string, digest: Digest, range: string, method = 'GET', signal?: AbortSignal): Promise<Response> =>
  fetch(`${server}/v2/team/app/blobs/${digest}`, { method, headers: { range }, ...(signal && { signal }) });

const told = (answer: Response): unknown[] => [
  answer.status,
  answer.headers.get('content-range'),
  answer.headers.get('content-length'),
];

test('ranges of a blob that is still on its way are those of the whole', async () => {
  await using w = await start();
  const { bytes, digest, servers, source } = w;
  for (const server of Object.values(servers)) {
    const inside = await ask(server, digest, 'bytes=100-199');
    assert.deepEqual(told(inside), [206, `bytes 100-199/${size}`, '100']);
    assert.ok(bytes.subarray(100, 200).equals(await inside.bytes()));
    for (const range of [`bytes=${size}-`, 'bytes=-0', `bytes=${size + 5}-${size + 9}`])
      assert.deepEqual(told(await ask(server, digest, range)).slice(0, 2), [416, `bytes */${size}`], range);
    assert.deepEqual(told(await ask(server, digest, 'bytes=0-9', 'HEAD')), [200, null, String(size)]);
    for (const range of ['bytes=0-1,5-6', 'items=0-1']) {
      const whole = await ask(server, digest, range);
      assert.deepEqual(told(whole), [200, null, String(size)], range);
      await whole.body?.cancel();
    }
    const clamped = await ask(server, digest, `bytes=${piece}-${size + 100}`);
    assert.deepEqual(told(clamped), [206, `bytes ${piece}-${size - 1}/${size}`, String(size - piece)]);
    const open = await ask(server, digest, 'bytes=0-');
    assert.deepEqual(told(open), [206, `bytes 0-${size - 1}/${size}`, String(size)]);
    for (const [answer, from] of [
      [clamped, piece],
      [open, 0],
    ] as const) {
      const body = new BodyReader(answer);
      assert.ok(await body.reaches(here - from));
      assert.ok(bytes.subarray(from, here).equals(Buffer.from(body.bytes)));
      await body.leave();
    }
  }
  // The end of it is withheld until the digest is verified, and a suffix waits for that.
  const suffixes = Object.values(servers).flatMap((server) =>
    ['bytes=-10', `bytes=-${size + 7}`].map((range) => ask(server, digest, range)),
  );
  source.allow(size);
  for (const [index, answer] of (await Promise.all(suffixes)).entries()) {
    const from = index % 2 === 0 ? size - 10 : 0;
    assert.deepEqual(told(answer), [206, `bytes ${from}-${size - 1}/${size}`, String(size - from)]);
    assert.ok(bytes.subarray(from).equals(await answer.bytes()));
  }
  assert.equal(source.opens.length, 1);
});

test('a layer read in open-ended ranges at once, each left after its part, is fetched once', async () => {
  await using w = await start();
  const { bytes, digest, servers, source, agent } = w;
  const part = 2 * piece;
  for (const server of Object.values(servers)) {
    source.allow(here);
    const reading = Array.from({ length: pieces / 2 }, async (_, index) => {
      const from = index * part;
      const body = new BodyReader(await ask(server, digest, `bytes=${from}-`));
      const to = Math.min(size, from + part);
      assert.ok(await body.reaches(to - from));
      assert.ok(bytes.subarray(from, to).equals(Buffer.from(body.bytes.subarray(0, to - from))), `from ${from}`);
      await body.leave();
    });
    source.allow(size);
    await Promise.all(reading);
  }
  assert.equal(source.opens.length, 1);
  assert.ok(bytes.equals(Buffer.from(await agent.blob('team/app', digest))));
  assert.equal((await agent.received('origin')) + (await agent.received('http')), size, 'no piece came twice');
});

test('all clients that leave take no download with them: who comes later reads on', async () => {
  await using w = await start();
  const { bytes, digest, servers, source, agent } = w;
  for (const server of Object.values(servers)) {
    const bodies = await Promise.all(
      Array.from({ length: 5 }, async () => new BodyReader(await ask(server, digest, 'bytes=0-'))),
    );
    await Promise.all(bodies.map((body) => body.reaches(piece)));
    await Promise.all(bodies.map((body) => body.leave()));
    // Those that have not got a byte yet, too.
    const leaving = new AbortController();
    const waiting = ask(server, digest, `bytes=${here + piece}-`, 'GET', leaving.signal);
    leaving.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  }
  source.allow(size);
  assert.ok(bytes.equals(Buffer.from(await agent.blob('team/app', digest))));
  assert.equal(source.opens.length, 1);
  assert.equal(await agent.metric('downloads_total', { outcome: 'abandoned' }), 0);
});

const tail = async (agent: TestAgent, digest: Digest): Promise<unknown[]> => {
  const answer = await ask(agent.url, digest, 'bytes=-10');
  return [answer.status, Buffer.from(await answer.arrayBuffer()).toString('hex')];
};

test('of a blob whose size nobody tells ranges are answered when it is complete', async () => {
  await using w = await start({ sized: false });
  const { bytes, digest, servers, source, agent } = w;
  const asked = [ask(servers.origin, digest, 'bytes=-10'), ask(servers.origin, digest, `bytes=${size}-`)] as const;
  const atAgent = tail(agent, digest);
  source.allow(size);
  const [suffix, beyond] = await Promise.all(asked);
  assert.deepEqual(told(suffix), [206, `bytes ${size - 10}-${size - 1}/${size}`, '10']);
  assert.deepEqual(told(beyond).slice(0, 2), [416, `bytes */${size}`]);
  assert.deepEqual(await atAgent, [206, bytes.subarray(-10).toString('hex')]);
});

test('who waits too long for a size hears so in time, and the fetch goes on', async () => {
  await using w = await start({ sized: false, origin: { pulls: { stallTimeoutMs: '1s' } } });
  const { digest, servers, source } = w;
  const late = await ask(servers.origin, digest, 'bytes=0-9');
  assert.equal(late.status, 503);
  assert.match(await late.text(), /UNAVAILABLE.*nobody tells its size/);
  source.allow(size);
  for (let asked = 0; asked < 100; asked++) {
    const answer = await ask(servers.origin, digest, 'bytes=0-9');
    await answer.arrayBuffer();
    if (answer.status === 206) break;
    assert.equal(answer.status, 503);
  }
  assert.equal((await ask(servers.origin, digest, 'bytes=0-9')).status, 206);
  assert.equal(source.opens.length, 1);
});
