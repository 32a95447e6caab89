import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatAddress } from '@shoal/core';
import { loadConfig, silentLog } from '@shoal/service';
import { trackerConfig } from '../../services/tracker/src/config.ts';
import { LiveView } from '../../services/tracker/src/ui/live-view.ts';
import { uiServer } from '../../services/tracker/src/ui/ui-server.ts';
import { requireTool } from '../support/external.ts';
import { launch, openPage, shotsFolder } from './browser.ts';
import { Crowd } from './crowd.ts';
import { measureFrames } from './frame-times.ts';

/** A live view that is fed by hand; its clock is the test's. */
const startView = async () => {
  const time = { nowMs: Date.now() };
  const config = loadConfig(trackerConfig, { values: { ui: { port: 0 }, heartbeat: { ttlMs: '1h' } } });
  const view = new LiveView({ config, clock: () => time.nowMs });
  const app = uiServer(view, config.ui, silentLog('tracker'));
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { address: host, port } = app.server.address() as { address: string; port: number };
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket) => sockets.add(socket));
  const dispose = async (): Promise<void> => {
    await view[Symbol.asyncDispose]();
    await app.close();
  };
  return {
    view,
    time,
    url: `http://${formatAddress({ host, port })}/ui/`,
    /** Resolves when the kernel has all that was sent: a viewer who is too far behind is cut off. */
    taken: async (): Promise<void> => {
      do await nextTurn();
      while ([...sockets].some(({ destroyed, writableLength }) => !destroyed && writableLength > 0));
    },
    [Symbol.asyncDispose]: dispose,
  };
};

test(
  '1,000 nodes: graph, availability, search and keys, light and dark',
  { skip: requireTool('chromium') },
  async (t) => {
    await using live = await startView();
    const { view, time } = live;
    const crowd = new Crowd();
    const pass = (seconds: number, share = 1): void => {
      for (let second = 0; second < seconds; second++) {
        time.nowMs += 1000;
        crowd.step(view, share);
        view.tick();
      }
    };
    crowd.join(view);
    pass(14);
    const shots = await shotsFolder();
    await using browser = await launch();
    const { page, problems } = await openPage(browser, live.url);
    await page.waitForFunction(() => document.querySelectorAll('#nodes .row').length === 200);
    assert.match((await page.getAttribute('#graph', 'aria-label')) ?? '', /^1000 nodes in 3 zones, \d+ connections$/);

    const feeding = setInterval(() => pass(1, 0.2), 1000);
    const frames = await measureFrames(page, 5000);
    clearInterval(feeding);
    assert.ok(frames.painted > 0, 'the graph moves while reports come');
    t.diagnostic(`frames with 1,000 nodes: ${JSON.stringify(frames)}`);

    await page.keyboard.press('s');
    await page.waitForSelector('#detail .finding');
    assert.match((await page.textContent('#detail')) ?? '', /Why is this pull slow\?.*Its process is busy/);
    await page.screenshot({ path: path.join(shots, 'crowd-light.png') });

    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type(crowd.members[4]?.self.address ?? '');
    await page.waitForSelector('#found button');
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (wanted) => document.querySelector('#detail h2')?.textContent === wanted,
      crowd.members[4]?.self.address,
    );

    await page.focus('#graph');
    for (const wanted of ['light', 'dark']) {
      await page.keyboard.press('t');
      assert.equal(await page.evaluate(() => document.documentElement.dataset['theme']), wanted);
    }
    const colour = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await colour(), 'rgb(16, 20, 26)');
    await page.waitForTimeout(500);
    await page.screenshot({ path: path.join(shots, 'crowd-dark.png') });
    await page.keyboard.press('?');
    assert.ok(await page.isVisible('#help'));
    await page.keyboard.press('Escape');

    const passWatched = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        pass(1);
        await live.taken();
      }
    };
    await passWatched(200);
    crowd.giveUp(view);
    await passWatched(12);
    await page.waitForSelector('#recordings .row');
    await page.click('#recordings .row');
    await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>('#seek')?.value) > 20);
    await page.focus('#graph');
    await page.keyboard.press(' ');
    const moment = await page.inputValue('#seek');
    await page.screenshot({ path: path.join(shots, 'crowd-replay.png') });
    assert.equal(await page.inputValue('#seek'), moment, 'the space key holds the replay');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#player')?.hidden);
    assert.deepEqual(problems, []);
    t.diagnostic(`screenshots: ${shots}`);
  },
);

test('the system decides on dark when nobody else has', { skip: requireTool('chromium') }, async () => {
  await using live = await startView();
  await using browser = await launch();
  const { page, problems } = await openPage(browser, live.url, 'dark');
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(16, 20, 26)');
  assert.ok(await page.isVisible('#empty'));
  assert.deepEqual(problems, []);
});
