import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folderCheck } from './folder-check.ts';
import { startOrigin, temporaryFolder } from './testing/test-origin.ts';

interface Report {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

describe('folderCheck', () => {
  it('tells of a folder that is not there or read-only', async (t) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    const check = folderCheck(path, 0);
    assert.match(String(await check()), /data can't be written: ENOENT/);
    await mkdir(path);
    assert.equal(await check(), undefined);
    assert.deepEqual(await readdir(path), []);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', path]).status !== 0)
      return t.skip('mounting a tmpfs needs root');
    try {
      assert.match(String(await check()), /data can't be written: EROFS/);
    } finally {
      spawnSync('umount', [path]);
    }
  });

  it('tells of too little space', async () => {
    await using folder = await temporaryFolder();
    const check = folderCheck(folder.path, 2 ** 60);
    assert.match(String(await check()), / free; readiness\.freeBytesMin is /);
  });
});

describe('/readyz of an origin', () => {
  const report = async (adminUrl: string): Promise<{ status: number } & Report> => {
    const answer = await fetch(`${adminUrl}/readyz`);
    return { status: answer.status, ...((await answer.json()) as Report) };
  };

  it('checks the folder and the piece listener', async () => {
    await using test = await startOrigin();
    const fine = await report(test.adminUrl);
    assert.deepEqual(
      [fine.status, fine.ready, fine.checks],
      [200, true, { process: 'ok', folder: 'ok', pieces: 'ok' }],
    );
    await rename(test.folder, `${test.folder}-away`);
    const away = await report(test.adminUrl);
    await rename(`${test.folder}-away`, test.folder);
    assert.equal(away.status, 503);
    assert.match(away.checks['folder'] ?? '', /can't be written: ENOENT/);
    assert.equal((await report(test.adminUrl)).status, 200);
  });

  it('wants the configured space', async () => {
    await using test = await startOrigin({ readiness: { freeBytesMin: '1024TiB' } });
    const { status, checks } = await report(test.adminUrl);
    assert.equal(status, 503);
    assert.match(checks['folder'] ?? '', /free; readiness\.freeBytesMin is/);
  });
});
