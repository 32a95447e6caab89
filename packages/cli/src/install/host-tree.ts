import { type Stats, constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError } from '../errors.ts';

/** A file's content and what goes with it. */
export interface HostFile {
  readonly bytes: Buffer;
  /** Permission bits, without the file type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Configuration of a runtime is a few kilobytes; what is larger is something else. */
const fileBytesMax = 4 * 1024 * 1024;

/**
 * Reads the files of a host whose file system is mounted at `root`. Paths are absolute, as the host itself names them.
 * Symbolic links below the root are refused: another root's absolute links lead out of it, and an atomic write would
 * put a file in the place of the link.
 */
export class HostTree {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  locate(hostPath: string): string {
    return path.join(this.root, hostPath);
  }

  /** @throws RefusedError when it is there but no regular file, or is reached through a symbolic link */
  async read(hostPath: string): Promise<HostFile | undefined> {
    const stats = await this.stat(hostPath);
    if (!stats) return undefined;
    if (!stats.isFile()) throw new RefusedError(`${hostPath} is no regular file`);
    if (stats.size > fileBytesMax)
      throw new RefusedError(`${hostPath} has ${stats.size} bytes, which is no configuration`);
    const handle = await open(this.locate(hostPath), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return { bytes: await handle.readFile(), mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
    } finally {
      await handle.close();
    }
  }

  /** The files under a folder, at any depth, sorted; none when it does not exist. */
  async files(folder: string): Promise<string[]> {
    const stats = await this.stat(folder);
    if (!stats) return [];
    if (!stats.isDirectory()) throw new RefusedError(`${folder} is no folder`);
    const entries = await readdir(this.locate(folder), { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.join('/', path.relative(this.root, entry.parentPath), entry.name))
      .toSorted();
  }

  /** What is there, or undefined. @throws RefusedError when a part of the path is a symbolic link */
  async stat(hostPath: string): Promise<Stats | undefined> {
    const parts = path.posix.normalize(hostPath).split('/').filter(Boolean);
    let stats: Stats | undefined;
    for (let depth = 1; depth <= parts.length; depth++) {
      const part = `/${parts.slice(0, depth).join('/')}`;
      stats = await lstatOrAbsent(this.locate(part));
      if (!stats) return undefined;
      if (stats.isSymbolicLink()) throw new RefusedError(`${part} is a symbolic link, which is not followed`);
      if (depth < parts.length && !stats.isDirectory()) throw new RefusedError(`${part} is no folder`);
    }
    return stats;
  }
}

const lstatOrAbsent = async (file: string): Promise<Stats | undefined> => {
  try {
    return await lstat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
