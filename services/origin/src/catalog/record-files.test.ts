import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../testing/test-origin.ts';
import { RecordFiles } from './record-files.ts';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

test('who reads after a write gets what was written, whatever was read while it ran', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'record.json');
  const files = new RecordFiles({ rememberedMax: 2 });
  for (let round = 0; round < 50; round++) {
    const value = `round ${round}`;
    const before = Array.from({ length: round % 4 }, () => files.read(file));
    const writing = files.write(file, Buffer.from(value));
    const during = Array.from({ length: round % 3 }, () => files.read(file));
    await writing;
    assert.equal(text(await files.read(file)), value);
    await Promise.all([...before, ...during]);
    assert.equal(text(await files.read(file)), value);
  }
  assert.equal(await files.remove(file), true);
  assert.equal(await files.read(file), undefined);
});

test('what was read is remembered, within the bound', async () => {
  await using folder = await temporaryFolder();
  const paths = ['a', 'b', 'c'].map((name) => join(folder.path, name));
  const files = new RecordFiles({ rememberedMax: 2 });
  for (const path of paths) await writeFile(path, path);
  for (const path of paths) assert.equal(text(await files.read(path)), path);
  for (const path of paths) await rm(path);
  assert.deepEqual(await Promise.all(paths.map(async (path) => text(await files.read(path)))), [
    undefined,
    ...paths.slice(1),
  ]);
});
