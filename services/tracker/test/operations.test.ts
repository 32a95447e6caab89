import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatAddress } from '@shoal/core';
import { createLogger, ListenError } from '@shoal/service';
import { Tracker } from '../src/service.ts';
import { peer } from '../src/store/peer-store-conformance.ts';
import { announceOf, testConfig, TrackerClient } from './tracker-client.ts';
import { requireTool } from '../../../test/support/external.ts';

const scrape = async (tracker: Tracker): Promise<string> =>
  (await fetch(`http://${formatAddress(tracker.addresses.admin)}/metrics`)).text();

describe('operating a tracker', { timeout: 60_000 }, () => {
  it('counts announces, peers and swarms', async () => {
    await using tracker = await Tracker.start(testConfig());
    const client = new TrackerClient(tracker.addresses.api);
    await client.announce(peer(1), announceOf(1), announceOf(2, { event: 'complete' }));
    await client.announce(peer(2), announceOf(2), announceOf(3));
    await client.announce(peer(2), announceOf(3, { event: 'leave' }));
    await client.heartbeat(peer(3));
    const text = await scrape(tracker);
    for (const line of [
      'shoal_tracker_announces_total{event="join"} 3',
      'shoal_tracker_announces_total{event="complete"} 1',
      'shoal_tracker_announces_total{event="leave"} 1',
      'shoal_tracker_announces_total{event="starved"} 0',
      'shoal_tracker_peers 2',
      'shoal_tracker_swarms 2',
      'shoal_tracker_requests_total{route="/shoal/v1/announce",status="200"} 3',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
    }
  });

  it('exposes metrics that promtool accepts', { skip: requireTool('promtool') }, async () => {
    await using tracker = await Tracker.start(testConfig());
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await scrape(tracker),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

  it('shows its configuration and swarms on the debug port, without secrets', async () => {
    const secret = 'a secret of the test cluster';
    await using tracker = await Tracker.start(testConfig({ cluster: { secret } }));
    const base = `http://${formatAddress(tracker.addresses.debug)}/debug`;
    const config = await (await fetch(`${base}/config`)).text();
    assert.ok(config.includes('[redacted]') && !config.includes(secret));
    assert.deepEqual(await (await fetch(`${base}/swarms`)).json(), { swarms: [] });
  });

  it('names the port that is in use, and leaves nothing open', async () => {
    await using tracker = await Tracker.start(testConfig());
    const { port } = tracker.addresses.api;
    await assert.rejects(Tracker.start(testConfig({ api: { port } })), (error) => {
      assert.ok(error instanceof ListenError);
      assert.match(error.message, new RegExp(`^api\\.port: .*:${port}: the port is in use`));
      return true;
    });
  });

  it('logs no secret', async () => {
    const lines: string[] = [];
    const secret = 'a secret of the test cluster';
    const log = createLogger({
      service: 'tracker',
      level: 'trace',
      destination: { write: (line) => void lines.push(line) },
    });
    const config = testConfig({ cluster: { secret }, redis: { url: 'redis://:hush-hush@127.0.0.1:1' } });
    await using tracker = await Tracker.start(config, { log });
    const error = await new TrackerClient(tracker.addresses.api, secret)
      .announce(peer(1), announceOf(1))
      .then(() => '', String);
    const all = `${lines.join('')}${error}`;
    assert.match(all, /redis/);
    assert.ok(!all.includes(secret) && !all.includes('hush-hush'), all);
  });

  it('runs as a process: ready, announces, a graceful end', async () => {
    const program = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const free = { SHOAL_TRACKER_API_PORT: '0', SHOAL_TRACKER_ADMIN_PORT: '0', SHOAL_TRACKER_DEBUG_PORT: '0' };
    const child = spawn(process.execPath, [program], {
      env: { PATH: process.env['PATH'], ...free },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [{ type: string; addresses: Tracker['addresses'] }];
    assert.equal(message.type, 'ready');
    const client = new TrackerClient(message.addresses.api);
    assert.equal((await client.announce(peer(1), announceOf(1))).again, true);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
