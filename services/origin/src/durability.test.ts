import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { spawnOrigin } from './testing/child-origin.ts';
import { digestBytes, types } from './testing/registry-client.ts';
import { startOrigin, temporaryFolder } from './testing/test-origin.ts';

describe('an origin that is killed', () => {
  it('has everything that was acknowledged', async () => {
    await using folder = await temporaryFolder();
    const large = randomBytes(3_000_000);
    let pushed: { text: string; digest: string };
    let half: string;
    {
      await using origin = await spawnOrigin(folder.path);
      await origin.client.pushBlob('kill/app', large);
      half = await origin.client.startUpload('kill/app');
      await origin.client.call('PATCH', half, { body: large.subarray(0, 1_000_000) });
      const subject = { mediaType: types.image, digest: digestBytes('subject'), size: 1 };
      const referrer = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [], subject });
      assert.equal((await origin.client.pushManifest('kill/app', 'ref', referrer, types.index)).status, 201);
      pushed = await origin.client.pushImage('kill/app', 'v1');
      assert.equal(await origin.end('SIGKILL'), null);
    }
    await using origin = await spawnOrigin(folder.path);
    const { client } = origin;
    assert.equal((await client.call('GET', '/v2/kill/app/manifests/v1')).bytes.toString(), pushed.text);
    for (const layer of JSON.parse(pushed.text).layers)
      assert.equal((await client.call('GET', `/v2/kill/app/blobs/${layer.digest}`)).status, 200);
    assert.deepEqual((await client.call('GET', `/v2/kill/app/blobs/${digestBytes(large)}`)).bytes, large);
    assert.deepEqual((await client.call('GET', '/v2/kill/app/tags/list')).json().tags, ['ref', 'v1']);
    assert.equal(
      (await client.call('GET', `/v2/kill/app/referrers/${digestBytes('subject')}`)).json().manifests.length,
      1,
    );
    const status = await client.call('GET', half);
    assert.equal(status.status, 204);
    const kept = status.headers['range'] === '0-0' ? 0 : Number(String(status.headers['range']).slice(2)) + 1;
    const range = `${kept}-${large.length - 1}`;
    const answer = await client.call('PUT', half, {
      query: { digest: digestBytes(large) },
      body: large.subarray(kept),
      headers: { 'content-range': range },
    });
    assert.equal(answer.status, 201);
    assert.equal(await origin.end('SIGTERM'), 0);
  });
});

describe('an upload', () => {
  it('goes on after a restart', async () => {
    await using first = await startOrigin();
    const bytes = randomBytes(600_000);
    const location = await first.client.startUpload('up/app');
    await first.client.call('PATCH', location, { body: bytes.subarray(0, 400_000) });
    const again = await first.restart();
    assert.equal((await again.client.call('GET', location)).headers['range'], '0-399999');
    const headers = { 'content-range': '400000-599999' };
    const answer = await again.client.call('PUT', location, {
      query: { digest: digestBytes(bytes) },
      body: bytes.subarray(400_000),
      headers,
    });
    assert.equal(answer.status, 201);
    await again.origin.stop();
  });

  it('expires when nobody goes on with it', async () => {
    let nowMs = Date.now();
    await using first = await startOrigin({ uploads: { expireAfterMs: '10m' } }, { clock: () => nowMs });
    const location = await first.client.startUpload('up/app');
    nowMs += 5 * 60_000;
    const second = await first.restart();
    assert.equal((await second.client.call('GET', location)).status, 204);
    nowMs += 11 * 60_000;
    const third = await second.restart();
    let status = 204;
    while (status === 204) ({ status } = await third.client.call('GET', location));
    assert.equal(status, 404);
    await third.origin.stop();
  });
});

const smallDisk = (folder: string): [string, ...string[]] => [
  'unshare',
  '-rm',
  'sh',
  '-c',
  `mount -t tmpfs -o size=4m none ${folder} && exec "$@"`,
  'sh',
];
const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;

describe('a full disk', { skip: !canMount && 'needs a user namespace that may mount a tmpfs' }, () => {
  it('refuses pushes with 507 and keeps what was acknowledged', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    await mkdir(data);
    await using origin = await spawnOrigin(data, smallDisk(data));
    const { client } = origin;
    const { text } = await client.pushImage('full/app', 'v1');
    for (let round = 0; round < 2; round++) {
      const bytes = randomBytes(8_000_000);
      const answer = await client.call('PUT', await client.startUpload('full/app'), {
        query: { digest: digestBytes(bytes) },
        body: bytes,
      });
      assert.deepEqual([answer.status, answer.code], [507, 'STORE_FULL']);
    }
    assert.equal((await client.call('GET', '/v2/full/app/manifests/v1')).bytes.toString(), text);
    await client.pushImage('full/app', 'v2');
    assert.equal(await origin.end('SIGTERM'), 0);
  });
});
