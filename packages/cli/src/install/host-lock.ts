import { open, rm, stat } from 'node:fs/promises';
import type { HostTree } from './host-tree.ts';
import { stateFolder } from './record.ts';

const lockPath = `${stateFolder}/lock`;

/** An install takes a moment; a lock of this age was left by one that was killed. */
const staleMs = 60_000;

/** Keeps two of our processes from changing one host at the same time. */
export class HostLock implements AsyncDisposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** The state folder has to be there. @throws Error while another process holds it */
  static async take(tree: HostTree): Promise<HostLock> {
    const file = tree.locate(lockPath);
    if ((await ageMs(file)) > staleMs) await rm(file, { force: true });
    try {
      await (await open(file, 'wx', 0o600)).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new Error(
        `another shoal changes this host right now (${lockPath}); run the same command again in a minute`,
      );
    }
    return new HostLock(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

const ageMs = async (file: string): Promise<number> => {
  try {
    return Date.now() - (await stat(file)).mtimeMs;
  } catch {
    return 0;
  }
};
