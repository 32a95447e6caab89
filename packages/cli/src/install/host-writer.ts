import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { HostFile, HostTree } from './host-tree.ts';

/** Changes the files of a host, each change whole or not at all, and on the medium when it returns. */
export class HostWriter {
  readonly #tree: HostTree;
  readonly #beforeStep: () => void;

  /** `beforeStep` is called before each change; tests let it throw, which is what a crash looks like. */
  constructor(tree: HostTree, beforeStep: () => void = () => {}) {
    this.#tree = tree;
    this.#beforeStep = beforeStep;
  }

  /** Puts a file in place by rename. Its owner is set only where it differs, so that this works without root. */
  async write(hostPath: string, { bytes, mode, uid, gid }: HostFile): Promise<void> {
    this.#beforeStep();
    const file = this.#tree.locate(hostPath);
    const temporary = temporaryOf(file);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    try {
      const handle = await open(temporary, flags, 0o600);
      try {
        await handle.writeFile(bytes);
        await setOwner(handle, uid, gid);
        await handle.chmod(mode);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(path.dirname(file));
  }

  /** What is not there, or whose folder is not, is removed already. */
  async remove(hostPath: string): Promise<void> {
    this.#beforeStep();
    if (!(await this.#tree.stat(path.posix.dirname(hostPath)))) return;
    const file = this.#tree.locate(hostPath);
    await rm(file, { force: true });
    await rm(temporaryOf(file), { force: true });
    await syncFolder(path.dirname(file));
  }

  /** Its parent has to be there; the folder itself may be. */
  async makeFolder(hostPath: string, mode: number): Promise<void> {
    this.#beforeStep();
    const folder = this.#tree.locate(hostPath);
    await mkdir(folder, { mode }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    await syncFolder(path.dirname(folder));
  }

  /** Removes a folder if it is there and empty. */
  async removeFolder(hostPath: string): Promise<void> {
    this.#beforeStep();
    try {
      await rmdir(this.#tree.locate(hostPath));
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }
}

/** One name a file, so that what a crash left behind is used again; no runtime reads a file of such a name. */
const temporaryOf = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}${temporarySuffix}`);

const temporarySuffix = '.shoal-tmp';

export const isTemporary = (file: string): boolean => file.endsWith(temporarySuffix);

const setOwner = async (handle: FileHandle, uid: number, gid: number): Promise<void> => {
  const now = await handle.stat();
  if (now.uid !== uid || now.gid !== gid) await handle.chown(uid, gid);
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
