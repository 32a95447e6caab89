import assert from 'node:assert/strict';
import { request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { it } from 'node:test';
import { formatAddress, type PeerId } from '@shoal/core';
import { ConfigError } from '@shoal/service';
import { Tracker } from '../src/service.ts';
import { reportMsFor } from '../src/ui/live-view.ts';
import { digestOf, peer as memberOf, swarmId } from '../src/store/peer-store-conformance.ts';
import type { Overview, SwarmFrame } from '../src/ui/views.ts';
import { announceOf, testConfig, TrackerClient } from './tracker-client.ts';

const secret = 'a secret of the test cluster';
const peer = (n: number) => memberOf(n, { peerId: 'a1b2'.repeat(10) as PeerId });
const deadline = () => ({ signal: AbortSignal.timeout(20_000) });

const report = (n: number, have: number) => ({
  peer: peer(n),
  load: {
    sentBytes: 0,
    receivedBytes: have * 100,
    uploadBytesPerSecondMax: 0,
    downloadBytesPerSecondMax: 0,
    uploadsWaiting: 0,
    busy: 0,
  },
  swarms: [
    {
      swarm: swarmId(1),
      digest: digestOf(1),
      size: 1000,
      pieces: 10,
      have,
      held: `${'f'.repeat(have)}${'0'.repeat(10 - have)}`,
      neighbours: [],
      origins: [],
      bytes: { peers: have * 100, origins: 0, http: 0, discarded: 0, sent: 0 },
      corrupt: 0,
      way: 'swarm',
      readers: 1,
      ageMs: 1000,
    },
  ],
});

const start = async (ui: object = {}) => {
  const tracker = await Tracker.start(testConfig({ cluster: { secret }, ui: { port: 0, ...ui } }));
  const { ui: address = { host: '', port: 0 }, api } = tracker.addresses;
  const url = `http://${formatAddress(address)}`;
  return { tracker, url, client: new TrackerClient(api, secret), [Symbol.asyncDispose]: () => tracker.stop() };
};

/** Events of the stream, until `wanted` is satisfied. */
const listen = async (url: string, wanted: (name: string, data: unknown) => boolean): Promise<void> => {
  const answer = await fetch(url, deadline());
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, name = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (wanted(name, JSON.parse(data))) return;
    }
  }
  assert.fail('the stream ended');
};

it('serves the page and its scripts with headers that let nothing else run', async () => {
  await using ui = await start();
  const page = await fetch(`${ui.url}/`, deadline());
  assert.equal(page.url, `${ui.url}/ui/`);
  const html = await page.text();
  const names = [...html.matchAll(/(?:src|href)="\/ui\/([^"]+)"/g)].map(([, name = '']) => name);
  assert.ok(names.includes('main.js') && names.includes('style.css'));
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on\w+=|https?:\/\/(?!www\.w3\.org)/);
  for (const name of names) {
    const { status, headers } = await fetch(`${ui.url}/ui/${name}`, deadline());
    assert.equal(status, 200, name);
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'self';.*frame-ancestors 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
  for (const path of ['tsconfig.json', '../src/config.ts', '..%2fsrc%2fconfig.ts', 'main.js%2f..'])
    assert.equal((await fetch(`${ui.url}/ui/${path}`, deadline())).status, 404, path);
  assert.equal((await fetch(`${ui.url}/ui/api/swarms`, { method: 'POST', ...deadline() })).status, 404);
});

it('shows what announces and reports tell, without ids or secrets that let anybody in', async () => {
  await using ui = await start();
  const { reportMs } = await ui.client.announce(peer(1), announceOf(1, { digest: digestOf(1) }));
  assert.equal(reportMs, 1000);
  assert.deepEqual(await ui.client.post('report', report(1, 4)), { reportMs: 1000 });
  const overview = (await (await fetch(`${ui.url}/ui/api/swarms`, deadline())).json()) as Overview;
  assert.deepEqual([overview.nodes, overview.downloading, overview.swarms[0]?.progress], [1, 1, 0.4]);
  const text = await (await fetch(`${ui.url}/ui/api/swarms/${swarmId(1)}`, deadline())).text();
  assert.equal((JSON.parse(text) as SwarmFrame).nodes[0]?.held, 'ffff000000');
  assert.ok(!text.includes(secret) && !text.includes(peer(1).peerId), 'no secret and no whole peer id');
  assert.equal((await fetch(`${ui.url}/ui/api/swarms/${swarmId(2)}`, deadline())).status, 404);
  const found = await fetch(`${ui.url}/ui/api/search?q=${digestOf(1).slice(0, 20)}`, deadline());
  assert.equal(((await found.json()) as { swarms: unknown[] }).swarms.length, 1);
  await assert.rejects(ui.client.post('report', { ...report(1, 4), load: {} }), /400.*load\./);
});

it('tells viewers the swarm they look at, whole and then as it changes', async () => {
  await using ui = await start();
  await ui.client.announce(peer(1), announceOf(1, { digest: digestOf(1) }));
  const frames: SwarmFrame[] = [];
  let posted: Promise<unknown> | undefined;
  await listen(`${ui.url}/ui/api/events?swarm=${swarmId(1)}`, (name, data) => {
    if (name === 'frame') frames.push(data as SwarmFrame);
    posted ??= ui.client.post('report', report(1, 7));
    return frames.at(-1)?.nodes[0]?.have === 7;
  });
  await posted;
  assert.deepEqual(
    frames.map(({ whole }) => whole),
    [true, false],
  );
  assert.equal((await fetch(`${ui.url}/ui/api/events?swarm=x`, deadline())).status, 400);
});

it('lets so many watch, and goes on when they have left', async () => {
  await using ui = await start({ viewersMax: 1 });
  const stop = new AbortController();
  const first = await fetch(`${ui.url}/ui/api/events`, { signal: stop.signal });
  assert.equal((await fetch(`${ui.url}/ui/api/events`, deadline())).status, 503);
  stop.abort();
  await first.text().catch(() => undefined);
  let status = 503;
  for (let tries = 0; status === 503 && tries < 200; tries++) {
    const left = new AbortController();
    status = (await fetch(`${ui.url}/ui/api/events`, { signal: left.signal })).status;
    left.abort();
  }
  assert.equal(status, 200);
});

it('asks for the password that is set, whoever asks', async () => {
  await using ui = await start({ password: 'correct horse' });
  const status = async (authorization?: string): Promise<number> =>
    (await fetch(`${ui.url}/ui/api/swarms`, { ...(authorization && { headers: { authorization } }), ...deadline() }))
      .status;
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const wrong = [
    undefined,
    basic('x:wrong'),
    basic('correct horse'),
    basic(':correct horse '),
    'Bearer correct horse',
    'Basic =',
  ];
  for (const header of wrong) assert.equal(await status(header), 401, header ?? 'no header');
  assert.equal(await status(basic('anybody:correct horse')), 200);
  const refused = await fetch(`${ui.url}/ui/main.js`, deadline());
  assert.deepEqual([refused.status, refused.headers.get('www-authenticate')?.slice(0, 5)], [401, 'Basic']);
});

it('refuses a page that reaches it under a name of its own, and to listen beyond loopback without a password', async () => {
  await using ui = await start();
  const { host, port } = ui.tracker.addresses.ui ?? { host: '', port: 0 };
  const asked = request({ host, port, path: '/ui/api/swarms', headers: { host: 'evil.example' } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 403);
  assert.throws(
    () => testConfig({ ui: { host: '0.0.0.0' } }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /ui\.host: .*0\.0\.0\.0.*loopback.*ui\.password/);
      return true;
    },
  );
  testConfig({ ui: { host: '0.0.0.0', password: 'long enough' } });
});

it('can be switched off: nothing listens, and no node is asked for reports', async () => {
  await using ui = await start({ enabled: false });
  assert.equal(ui.tracker.addresses.ui, undefined);
  assert.equal((await ui.client.announce(peer(1), announceOf(1))).reportMs, undefined);
  assert.equal((await ui.client.heartbeat(peer(1))).reportMs, undefined);
  await assert.rejects(ui.client.post('report', report(1, 1)), /404/);
});

it('asks a crowd for as many reports a second as a few nodes make', () => {
  for (const [nodes, watched, ms] of [
    [0, false, 1000],
    [100, false, 1000],
    [400, false, 4000],
    [400, true, 2000],
    [5000, true, 10_000],
  ] as const)
    assert.equal(reportMsFor(nodes, watched), ms);
});
