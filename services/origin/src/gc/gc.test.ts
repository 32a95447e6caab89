import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type RegistryClient, digestBytes, types } from '../testing/registry-client.ts';
import { startOrigin, type TestOrigin } from '../testing/test-origin.ts';
import type { GcRequest, GcState } from './schema.ts';

const call = async (client: RegistryClient, method: string, path: string, body?: object) => {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const answer = await client.call(method, `/shoal/v1/${path}`, { headers, body: body && JSON.stringify(body) });
  return { status: answer.status, code: answer.code, value: JSON.parse(answer.bytes.toString()) as never };
};

/** Runs to its end. */
const collect = async ({ client }: Pick<TestOrigin, 'client'>, request: GcRequest = {}): Promise<GcState> => {
  const begun = await call(client, 'POST', 'gc', request);
  assert.equal(begun.status, 202, JSON.stringify(begun.value));
  for (;;) {
    const { value } = await call(client, 'GET', 'gc');
    if ((value as GcState).state !== 'running') return value;
  }
};

const remove = (client: RegistryClient, name: string, reference: string, query = '') =>
  call(client, 'DELETE', `repositories/${name}/manifests/${reference}${query}`);

const status = async (client: RegistryClient, path: string): Promise<number> =>
  (await client.call('HEAD', path)).status;

const indexOf = (...manifests: { text: string; digest: string }[]): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: types.index,
    manifests: manifests.map(({ text, digest }) => ({ mediaType: types.image, digest, size: text.length })),
  });

describe('garbage collection', () => {
  it('removes what no manifest reaches, and neither shared blobs nor those kept for their own sake', async () => {
    await using origin = await startOrigin();
    const { client } = origin;
    const one = await client.pushImage('team/app', 'one');
    const two = await client.pushImage('team/app', 'two', 'one of both');
    const other = await client.pushImage('team/other', 'x', 'one');
    const loose = await client.pushBlob('team/app', Buffer.from('nobody names it'));
    const kept = Buffer.from('a model');
    await client.call('PUT', `/shoal/v1/namespaces/team/app/blobs/${digestBytes(kept)}`, { body: kept });
    assert.equal((await call(client, 'GET', 'gc')).value['state'], 'never');

    const young = await collect(origin);
    assert.deepEqual([young.state, young.blobs, young.young, young.repositories], ['done', 0, 1, 2]);
    await remove(client, 'team/app', one.digest);
    await remove(client, 'team/app', two.digest);
    const dry = await collect(origin, { dryRun: true, graceMs: 0 });
    assert.equal(await status(client, `/v2/team/app/blobs/${loose}`), 200);
    // The HEAD has counted as a use, and yet there is no grace period.
    const wet = await collect(origin, { graceMs: 0 });
    assert.deepEqual([dry.blobs, dry.freedCount, dry.freedBytes], [wet.blobs, wet.freedCount, wet.freedBytes]);
    assert.deepEqual([wet.blobs, wet.manifests, wet.young, wet.problems], [5, 0, 0, []]);
    assert.deepEqual(wet.digests.toSorted(), [loose, ...two.blobs].toSorted(), 'the other repository has the rest');
    for (const digest of [...one.blobs, loose]) assert.equal(await status(client, `/v2/team/app/blobs/${digest}`), 404);
    for (const digest of other.blobs) assert.equal(await status(client, `/v2/team/other/blobs/${digest}`), 200);
    assert.equal(await status(client, `/shoal/v1/namespaces/team/app/blobs/${digestBytes(kept)}`), 200);
    const metrics = await (await fetch(`${origin.adminUrl}/metrics`)).text();
    assert.match(metrics, /^shoal_origin_gc_removed_total\{kind="blob"\} 5$/m);
    assert.match(metrics, new RegExp(`^shoal_origin_gc_freed_bytes_total ${wet.freedBytes}$`, 'm'));
  });

  it('leaves what was pushed again, mounted or asked for within the grace period', async () => {
    let nowMs = Date.now();
    await using origin = await startOrigin({}, { clock: () => nowMs });
    const { client } = origin;
    const digest = await client.pushBlob('team/app', Buffer.from('sent before its manifest'));
    nowMs += 23 * 3_600_000;
    assert.equal((await collect(origin)).young, 1);
    nowMs += 2 * 3_600_000;
    assert.deepEqual((await collect(origin)).digests, [digest]);
  });

  it('with untagged removes manifests that no tag leads to, but none of an index or about a manifest that stays', async () => {
    await using origin = await startOrigin();
    const { client } = origin;
    const [child, alone] = [await client.pushImage('team/app', 'child'), await client.pushImage('team/app', 'alone')];
    await client.pushManifest('team/app', 'index', indexOf(child), types.index);
    const signature = JSON.stringify({
      schemaVersion: 2,
      mediaType: types.index,
      manifests: [],
      subject: { mediaType: types.image, digest: child.digest, size: child.text.length },
    });
    await client.pushManifest('team/app', digestBytes(signature), signature, types.index);
    for (const tag of ['child', 'alone']) await remove(client, 'team/app', tag);
    const dry = await collect(origin, { untagged: true, graceMs: 0, dryRun: true });
    assert.equal(dry.manifests, 1);
    const { manifests, digests } = await collect(origin, { untagged: true, graceMs: 0 });
    assert.equal(manifests, 1);
    assert.deepEqual(digests.toSorted(), [alone.digest, ...alone.blobs].toSorted());
    for (const digest of [child.digest, digestBytes(signature)])
      assert.equal(await status(client, `/v2/team/app/manifests/${digest}`), 200);
  });

  it('is for who may push', async () => {
    const token = 'a-token-of-this-test';
    await using origin = await startOrigin({ auth: { tokens: [token] } });
    assert.equal((await call(origin.client, 'POST', 'gc', {})).status, 401);
    assert.equal((await remove(origin.client, 'team/app', '1')).status, 401);
    const client = origin.client.with({ authorization: `Bearer ${token}` });
    assert.equal((await collect({ client })).state, 'done');
    const bad = await call(client, 'POST', 'gc', { graceMs: -1 });
    assert.deepEqual([bad.status, bad.code], [400, 'INVALID_VALUE']);
  });

  it('runs by itself when it is told to', async () => {
    await using origin = await startOrigin({ gc: { intervalMs: '50ms', graceMs: 0 } });
    const digest = await origin.client.pushBlob('team/app', Buffer.from('nobody names it'));
    let left = 200;
    while (left > 0 && (await status(origin.client, `/v2/team/app/blobs/${digest}`)) === 200) left--;
    while (left-- > 0 && (await call(origin.client, 'GET', 'gc')).value['state'] === 'never');
  });
});

describe('removal', () => {
  it('of a tag leaves the image; of an image takes all tags, and says what nothing reaches any more', async () => {
    await using origin = await startOrigin();
    const { client } = origin;
    const image = await client.pushImage('team/app', 'v1');
    await client.pushManifest('team/app', 'v2', image.text);
    assert.deepEqual((await remove(client, 'team/app', 'v1')).value, {
      repository: 'team/app',
      digest: image.digest,
      tags: ['v1'],
      manifests: [],
      unreached: [],
    });
    assert.equal(await status(client, `/v2/team/app/manifests/${image.digest}`), 200);
    const whole = (await remove(client, 'team/app', 'v2', '?whole=true')).value as { tags: []; unreached: string[] };
    assert.deepEqual(whole.tags, ['v2']);
    assert.deepEqual(whole.unreached.toSorted(), [image.digest, ...image.blobs].toSorted());
    const gone = await remove(client, 'team/app', 'v2');
    assert.deepEqual([gone.status, gone.code], [404, 'MANIFEST_UNKNOWN']);
    assert.equal((await remove(client, 'nobody/knows', 'v2')).code, 'NAME_UNKNOWN');
  });

  it('of an index takes the manifests that nothing else names, and counts what others share as reached', async () => {
    await using origin = await startOrigin();
    const { client } = origin;
    const [shared, tagged, own] = [
      await client.pushImage('team/app', 'shared'),
      await client.pushImage('team/app', 'tagged'),
      await client.pushImage('team/app', 'own'),
    ];
    await client.pushImage('team/copy', 'own', 'own');
    await client.pushManifest('team/app', 'one', indexOf(shared, tagged, own), types.index);
    await client.pushManifest('team/app', 'two', indexOf(shared), types.index);
    for (const tag of ['shared', 'own']) await remove(client, 'team/app', tag);
    const { manifests, unreached } = (await remove(client, 'team/app', 'one', '?whole=true')).value as {
      manifests: string[];
      unreached: string[];
    };
    const index = digestBytes(indexOf(shared, tagged, own));
    assert.deepEqual(manifests.toSorted(), [index, own.digest].toSorted());
    assert.deepEqual(unreached, [index], 'the other repository has the image');
    for (const digest of [shared.digest, tagged.digest])
      assert.equal(await status(client, `/v2/team/app/manifests/${digest}`), 200);
  });
});
