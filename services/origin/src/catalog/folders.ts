import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { StoreFullError, writeFileAtomic } from '@shoal/store';

/**
 * Creates a folder and those above it down from `root`, each durable in the one above it: after a power cut a file
 * that was acknowledged in the folder is still found by its path.
 */
export const makeFolder = async (root: string, folder: string): Promise<void> => {
  let parent = root;
  for (const part of relative(root, folder).split(sep).filter(Boolean)) {
    const child = join(parent, part);
    const created = await mkdir(child).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'EEXIST') return false;
        throw diskError(error);
      },
    );
    if (created) await syncFolder(parent);
    parent = child;
  }
};

/** Writes or replaces a small file; durable when it resolves. @throws StoreFullError */
export const writeRecord = async (file: string, bytes: Uint8Array): Promise<void> => {
  try {
    await writeFileAtomic(file, bytes);
  } catch (error) {
    throw diskError(error);
  }
};

/** Undefined when there is none. */
export const readRecord = async (file: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** Removes a file, durably. False when there was none. */
export const removeRecord = async (file: string): Promise<boolean> => {
  try {
    await rm(file);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncFolder(dirname(file));
  return true;
};

/** What records are called on disk; anything else in their folders is a write that a crash cut off. */
export const recordSuffix = '.json';

/** Names of the records in a folder, without suffix, in no order; none when there is no folder. */
export const listRecords = async (folder: string): Promise<string[]> => {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith(recordSuffix)).map((name) => name.slice(0, -recordSuffix.length));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  await handle.sync();
};

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined;

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const diskError = (error: unknown): unknown =>
  codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
    ? new StoreFullError('the disk is full', { cause: error })
    : error;
