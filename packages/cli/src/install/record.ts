import { createHash } from 'node:crypto';
import { RefusedError } from '../errors.ts';
import type { HostFile, HostTree } from './host-tree.ts';
import type { Setting } from './setting.ts';
import type { LineChange } from './text.ts';

/** Where the record and the backups stand on the host. */
export const stateFolder = '/var/lib/shoal/install';
export const recordPath = `${stateFolder}/record.json`;

/** The backup of a file, as it was before the install. */
export const backupPath = (hostPath: string): string => `${stateFolder}/backup${hostPath}`;

/** What has to come back on uninstall; the bytes stand in the backup. */
export interface Before {
  readonly sha256: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface InstalledFile {
  readonly path: string;
  /** null: there was no such file. */
  readonly before: Before | null;
  /** SHA-256 of what was written; while a file is replaced, of the old and the new. */
  readonly after: readonly string[];
  /** The setting that was changed, when the rest of the file is the operator's. */
  readonly edit?: Setting & LineChange;
}

/** What is installed on a host, in one file for all runtimes. */
export interface InstallRecord {
  readonly version: 1;
  /** Folders that the installs made, outermost first. */
  readonly folders: readonly string[];
  readonly installs: Readonly<Record<string, readonly InstalledFile[]>>;
}

export const emptyRecord: InstallRecord = { version: 1, folders: [], installs: {} };

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @throws RefusedError for a record that this version did not write */
export const readRecord = async (tree: HostTree): Promise<InstallRecord> => {
  const file = await tree.read(recordPath);
  if (!file) return emptyRecord;
  try {
    const record = JSON.parse(file.bytes.toString()) as InstallRecord;
    if (record.version === 1 && Array.isArray(record.folders) && typeof record.installs === 'object') return record;
  } catch {
    // Not JSON: refused as well.
  }
  throw new RefusedError(`${recordPath} is no record of this version of shoal`, [
    `The files as they were are in ${backupPath('/')}; put them back by hand, then remove ${stateFolder}.`,
  ]);
};

export const formatRecord = (record: InstallRecord): Buffer => Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);

/** Whether a file is as it was before the install, as the install left it, or changed by somebody since. */
export const stateOf = (installed: InstalledFile, current: HostFile | undefined): 'before' | 'ours' | 'changed' => {
  const now = current && sha256(current.bytes);
  if (now === installed.before?.sha256) return 'before';
  return now !== undefined && installed.after.includes(now) ? 'ours' : 'changed';
};
