import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from './errors.ts';

/** Waits until the names in a folder are on the medium. */
export const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  await handle.sync();
};

/** Writes a new file and waits until its bytes are on the medium; its name is not, before syncFolder. */
const writeFileSynced = async (file: string, bytes: Uint8Array, mode = 0o644): Promise<void> => {
  await using handle = await open(file, 'wx', mode);
  await handle.writeFile(bytes);
  await handle.sync();
};

/** Waits until the bytes of a file are on the medium. */
const syncFile = async (file: string): Promise<void> => {
  await using handle = await open(file, 'r+');
  await handle.datasync();
};

/** The operations whose order makes a commit durable, in one object so that a test can watch the order. */
export const disk = { syncFile, syncFolder, writeFileSynced, rename };

/**
 * Replaces a small file: after a crash at any instant it holds the old or the new bytes, never a mixture.
 * Creates the folder. Durable when it resolves.
 */
export const writeFileAtomic = (file: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<void> =>
  placeAtomic(file, bytes, options.mode, rename);

/** As writeFileAtomic, but a file that is already there stays as it is. */
export const createFileAtomic = (file: string, bytes: Uint8Array, options: { mode?: number } = {}): Promise<void> =>
  placeAtomic(file, bytes, options.mode, async (temporary, target) => {
    await link(temporary, target).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    await unlink(temporary);
  });

const placeAtomic = async (
  file: string,
  bytes: Uint8Array,
  mode: number | undefined,
  place: (temporary: string, target: string) => Promise<void>,
): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFileSynced(temporary, bytes, mode);
    await place(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
};
