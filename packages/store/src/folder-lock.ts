import { constants } from 'node:fs';
import { open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileAtomic } from './disk.ts';
import { FolderInUseError, isDiskFull } from './errors.ts';

interface Owner {
  readonly pid: number;
  /** Boot id and start tick of the process: a recycled pid is another process. Empty where /proc is missing. */
  readonly started: string;
}

/**
 * The marker file `running`: keeps a second process out of a folder, and, found without its owner, tells that the last
 * one stopped without release(). It is on the medium before anything else of the folder changes.
 */
export class FolderLock {
  readonly unclean: boolean;
  readonly #folder: string;

  private constructor(folder: string, unclean: boolean) {
    this.#folder = folder;
    this.unclean = unclean;
  }

  /** Creates the folder when missing. @throws FolderInUseError while the owner lives */
  static async acquire(folder: string): Promise<FolderLock> {
    const file = join(folder, markerName);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const owner = text === undefined ? undefined : parseOwner(text);
    if (owner && (await isAlive(owner))) throw new FolderInUseError(folder, owner.pid);
    const self: Owner = { pid: process.pid, started: (await startOf(process.pid)) ?? '' };
    await writeMarker(file, Buffer.from(JSON.stringify(self)));
    return new FolderLock(folder, text !== undefined);
  }

  /** After this the next acquire finds a clean stop. */
  async release(): Promise<void> {
    await unlink(join(this.#folder, markerName));
    await syncFolder(this.#folder);
  }
}

export const markerName = 'running';

/**
 * On a full disk the marker is written in place, over the bytes that a killed owner left: what is stored must be
 * readable, and deletable, again. Where there is no room for even that the marker stays without an owner: unclean.
 */
const writeMarker = async (file: string, bytes: Uint8Array): Promise<void> => {
  try {
    await writeFileAtomic(file, bytes);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await using handle = await open(file, constants.O_RDWR | constants.O_CREAT);
    const { bytesWritten } = await handle.write(bytes, 0, bytes.length, 0).catch((full: unknown) => {
      if (!isDiskFull(full)) throw full;
      return { bytesWritten: 0 };
    });
    await handle.truncate(bytesWritten);
    await handle.sync();
  }
};

const parseOwner = (text: string): Owner | undefined => {
  try {
    const { pid, started } = JSON.parse(text) as Partial<Owner>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
};

const isAlive = async ({ pid, started }: Owner): Promise<boolean> => {
  const now = await startOf(pid);
  if (now !== undefined || started !== '') return now === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Source: proc_pid_stat(5), field 22 (starttime); the command in field 2 may hold spaces and parentheses. */
const startOf = async (pid: number): Promise<string | undefined> => {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
};
