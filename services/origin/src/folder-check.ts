import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '@shoal/core';
import { folderRoom, type ReadinessCheck } from '@shoal/service';

/** Whether pushes have a place: the folder can be written to, and `freeBytesMin` are free in its file system. */
export const folderCheck =
  (folder: string, freeBytesMin: number): ReadinessCheck =>
  async () => {
    const probe = join(folder, 'ready-probe');
    try {
      const { freeBytes } = await folderRoom(folder);
      if (freeBytes < freeBytesMin)
        return `${folder} has ${formatBytes(freeBytes)} free; readiness.freeBytesMin is ${formatBytes(freeBytesMin)}`;
      await writeFile(probe, 'ready?');
      return undefined;
    } catch (error) {
      return `${folder} can't be written: ${(error as Error).message}`;
    } finally {
      await rm(probe, { force: true }).catch(() => undefined);
    }
  };
