import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import { testCluster } from '../support/cluster.ts';
import { requireTool } from '../support/external.ts';
import { launch, openPage, shotsFolder } from './browser.ts';

const imageBytes = 48 * MiB;
/** Slow enough to be seen, however busy the machine: agents get 1 MiB a second. */
const overrides = {
  tracker: { heartbeat: { intervalMs: 500 } },
  agent: { limits: { downloadBytesPerSecondMax: MiB } },
};

test(
  'a pull by three real agents is seen as it goes, and again afterwards',
  { skip: requireTool('chromium') },
  async (t) => {
    await using shoal = await testCluster({ agents: 3, overrides, secret: 'a secret of this cluster' });
    const { origin, agents, trackers } = shoal.cluster;
    const layers = planLayers(imageBytes, 1);
    const image = await pushImage(origin.url, { repository: 'team/app', tag: '1', layers, seed: 'ui' });
    const digest = image.layers[0]?.digest ?? '';
    const shots = await shotsFolder();
    await using browser = await launch();
    const { page, problems } = await openPage(browser, `http://127.0.0.1:${trackers[0]?.layout.ports.pieces}/`);

    const pulls = agents.map((agent) => pullImage(agent.url, image, { received: () => undefined }));
    await page.click(`#swarms .row:has-text("${digest.slice(0, 19)}")`);
    await page.waitForFunction((wanted) => document.querySelector('#title')?.textContent === wanted, digest);
    await page.waitForFunction(() => /[1-9]\d* neighbour/.test(document.querySelector('#nodes')?.textContent ?? ''));
    await page.keyboard.press('s');
    await page.waitForSelector('#detail .finding');
    await page.screenshot({ path: path.join(shots, 'cluster-pull.png') });
    for (const pull of pulls) assert.deepEqual((await pull).mismatches, []);

    await page.keyboard.press('Escape');
    await page.waitForFunction(() => /3 of 3 nodes complete/.test(document.querySelector('#facts')?.textContent ?? ''));
    const replay = `#recordings .row:has-text("${digest.slice(0, 19)}")`;
    await page.click(replay);
    await page.selectOption('#speed', '16');
    await page.waitForFunction(() => document.querySelector('#play')?.textContent === 'Play');
    await page.waitForFunction(() => /3 of 3 nodes complete/.test(document.querySelector('#facts')?.textContent ?? ''));
    await page.screenshot({ path: path.join(shots, 'cluster-replay.png') });
    assert.ok(!(await page.content()).includes('a secret of this cluster'));
    assert.deepEqual([problems, shoal.deaths], [[], []]);
    t.diagnostic(`screenshots: ${shots}`);
  },
);
