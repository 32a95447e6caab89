import { statfs } from 'node:fs/promises';

export interface FolderRoom {
  /** Bytes that processes without privileges may still take. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** Of the file system that a folder is in. @throws the error of statfs(2) */
export const folderRoom = async (folder: string): Promise<FolderRoom> => {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
};
