import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseRepositoryName, parseTag } from '@shoal/core';
import { digestBytes } from '../testing/registry-client.ts';
import { temporaryFolder } from '../testing/test-origin.ts';
import { Catalog } from './catalog.ts';

const signer = { sign: () => ({ keyId: '0'.repeat(32), signature: Buffer.alloc(64).toString('base64') }) };
const [team, app] = [parseRepositoryName('team'), parseRepositoryName('team/app')];
const [one, two] = [digestBytes('one'), digestBytes('two')];

describe('Catalog', () => {
  const open = (folder: string, clock = () => 1000) =>
    Catalog.open({ folder: join(folder, 'repositories'), signer, clock });

  it('finds again what it kept, without what a crash left unfinished', async () => {
    await using folder = await temporaryFolder();
    const first = await open(folder.path);
    const repository = await first.ensure(app);
    await repository.blobs.put(one, new Uint8Array());
    await repository.manifests.put(one, Buffer.from('{}'));
    await repository.manifests.put(two, Buffer.from('{}'));
    await repository.referrers.put(one, { mediaType: 'a/b', digest: two, size: 1 });
    await repository.tags.put(parseTag('v1'), { digest: two, mediaType: 'a/b', size: 1 });
    const leftovers = ['_tags/v2.json.0f.tmp', `_referrers/sha256-${one.slice(7)}/x.tmp`].map((name) =>
      join(repository.folder, name),
    );
    for (const file of leftovers) writeFileSync(file, 'half');
    const again = await open(folder.path);
    assert.equal(again.get(team), undefined);
    assert.deepEqual([...again.linked()].toSorted(), [one, two].toSorted());
    const found = again.require(app);
    assert.deepEqual(await found.tags.list(), ['v1']);
    assert.equal((await found.referrers.list(one)).length, 1);
    assert.deepEqual(leftovers.map(existsSync), [false, false]);
    for (let links = 2; links > 0; links--) {
      assert.ok(again.isLinked(one));
      again.countLink(one, -1);
    }
    assert.ok(!again.isLinked(one));
  });

  it('tells a repository from one below it', async () => {
    await using folder = await temporaryFolder();
    const catalog = await open(folder.path);
    await (await catalog.ensure(app)).blobs.put(one, new Uint8Array());
    assert.throws(() => catalog.require(team), { code: 'NAME_UNKNOWN' });
    await catalog.ensure(team);
    assert.equal(await catalog.require(team).blobs.has(one), false);
    const again = await open(folder.path);
    assert.ok(again.get(team) && again.get(app));
  });

  it('raises the version of a tag also when the clock stands still or goes back', async () => {
    await using folder = await temporaryFolder();
    let nowMs = 5000;
    const { tags } = await (await open(folder.path, () => nowMs)).ensure(app);
    const versions: number[] = [];
    for (const time of [5000, 5000, 4000, 9000]) {
      nowMs = time;
      await tags.put(parseTag('v1'), { digest: one, mediaType: 'a/b', size: 1 });
      versions.push((await tags.get(parseTag('v1')))?.record.version ?? 0);
    }
    assert.deepEqual(versions, [5000, 5001, 5002, 9000]);
  });
});
