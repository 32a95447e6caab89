import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { FolderInUseError } from './errors.ts';
import { FolderLock, markerName } from './folder-lock.ts';
import { temporaryFolder } from './testing/content.ts';

const marker = (folder: string): string => join(folder, markerName);

suite('FolderLock', () => {
  test('a released folder was stopped cleanly', async () => {
    await using folder = temporaryFolder();
    const path = join(folder.path, 'new', 'folder');
    for (let round = 0; round < 2; round++) {
      const lock = await FolderLock.acquire(path);
      assert.equal(lock.unclean, false);
      await assert.rejects(
        FolderLock.acquire(path),
        (error) => error instanceof FolderInUseError && error.message.includes(String(process.pid)),
      );
      await lock.release();
    }
  });

  test('the marker of a process that is gone, of a recycled pid, or torn, tells of an unclean stop', async () => {
    await using folder = temporaryFolder();
    const { pid: gone } = spawnSync('true');
    const owners = [
      JSON.stringify({ pid: gone, started: 'x' }),
      JSON.stringify({ pid: process.pid, started: 'an earlier boot' }),
      '{"pi',
      '',
    ];
    for (const owner of owners) {
      await writeFile(marker(folder.path), owner);
      const lock = await FolderLock.acquire(folder.path);
      assert.equal(lock.unclean, true, owner);
      assert.equal((JSON.parse(await readFile(marker(folder.path), 'utf8')) as { pid: number }).pid, process.pid);
      await lock.release();
    }
  });
});
