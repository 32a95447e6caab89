import { mkdir, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobPaths } from './blob-paths.ts';
import { syncFolder } from './disk.ts';
import { isUploadFolder } from './upload-folder.ts';

/** Files on their way into `blobs`; whatever is in it at start was never acknowledged. */
export const temporaryFolder = (folder: string): string => join(folder, 'tmp');

/**
 * Lays out the folder of a BlobStore and removes what crashed commits, deletes and creations of uploads left behind.
 * Content needs no look: it got its name after its bytes.
 */
export const recoverBlobs = async (folder: string, paths: BlobPaths): Promise<{ blobs: number; uploads: number }> => {
  await rm(temporaryFolder(folder), { recursive: true, force: true });
  await mkdir(temporaryFolder(folder));
  await mkdir(join(folder, 'uploads'), { recursive: true });
  await syncFolder(folder);
  const [blobs, uploads] = await Promise.all([countBlobs(paths), recoverUploads(join(folder, 'uploads'))]);
  return { blobs, uploads };
};

const countBlobs = async (paths: BlobPaths): Promise<number> => {
  let count = 0;
  for (const shard of paths.shards()) {
    for (const { digest, suffixes } of shard) {
      if (suffixes.has('')) count++;
      else await unlink(paths.metainfo(digest));
    }
  }
  return count;
};

const recoverUploads = async (folder: string): Promise<number> => {
  let count = 0;
  for (const id of await readdir(folder)) {
    if (await isUploadFolder(join(folder, id))) count++;
    else await rm(join(folder, id), { recursive: true, force: true });
  }
  return count;
};
