import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of that many bytes; undefined where mounting is not permitted. */
export const smallDisk = (bytes: number): (AsyncDisposable & { path: string }) | undefined => {
  const path = mkdtempSync(join(tmpdir(), 'shoal-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]).status !== 0) {
    rmdirSync(path);
    return undefined;
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      // Lazily: a process that still has a file open does not keep the mount in the way.
      spawnSync('umount', ['-l', path]);
      rmdirSync(path);
    },
  };
};
