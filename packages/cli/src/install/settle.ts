import { RefusedError } from '../errors.ts';
import type { HostFile, HostTree } from './host-tree.ts';
import type { PlannedFile } from './plan.ts';
import { type Before, type InstalledFile, backupPath, sha256, stateOf } from './record.ts';
import { type Setting, revertSetting } from './setting.ts';
import { type LineChange, decodeText, lineChange } from './text.ts';

export interface Change {
  readonly path: string;
  /** `restored`: as it was before the install; `reverted`: the setting taken out of a file that was changed since. */
  readonly action: 'created' | 'changed' | 'unchanged' | 'restored' | 'reverted' | 'removed';
  /** Where the file as it was is kept. */
  readonly backup?: string;
}

interface NamedFile {
  readonly path: string;
  readonly file: HostFile;
}

/** What happens to one file. */
export interface Step {
  readonly path: string;
  readonly change: Change;
  readonly backup?: NamedFile;
  readonly write?: NamedFile;
  readonly remove?: true;
  readonly dropBackup?: boolean;
  /** Its place in the record, before and afterwards. */
  readonly recorded?: InstalledFile;
  readonly keep?: InstalledFile;
}

/** From what a file is, was and shall be to what has to be done. @throws RefusedError for what would lose changes */
export const settle = async (
  tree: HostTree,
  path: string,
  planned: PlannedFile | undefined,
  recorded: InstalledFile | undefined,
): Promise<Step> => {
  const current = await tree.read(path);
  if (!planned) return recorded ? putBack(tree, recorded, current) : { path, change: { path, action: 'unchanged' } };
  const bytes = Buffer.from(planned.content);
  const state = recorded && stateOf(recorded, current);
  if (current?.bytes.equals(bytes)) return asWanted(path, recorded, state);

  const old = recorded && state === 'ours' ? await originalOf(tree, recorded) : current;
  const before = old ? { sha256: sha256(old.bytes), mode: old.mode, uid: old.uid, gid: old.gid } : null;
  const backup = old && backupPath(path);
  return {
    path,
    change: { path, action: current ? 'changed' : 'created', ...(backup && { backup }) },
    ...(backup && old && state !== 'ours' && { backup: { path: backup, file: { ...old, mode: 0o600, ...owner() } } }),
    write: { path, file: { ...(old ?? newFile(0o644)), bytes } },
    dropBackup: !before && Boolean(recorded?.before),
    ...(recorded && { recorded }),
    keep: {
      path,
      before,
      after: [sha256(bytes)],
      ...(planned.setting && { edit: edit(planned, planned.setting, old) }),
    },
  };
};

const edit = ({ path, content }: PlannedFile, setting: Setting, old: HostFile | undefined): Setting & LineChange => ({
  ...setting,
  ...lineChange(old ? decodeText(path, old.bytes) : '', content),
});

/** Nothing to write; a file that was like this without us is none of ours. */
const asWanted = (path: string, recorded: InstalledFile | undefined, state: string | undefined): Step => {
  const change: Change = { path, action: 'unchanged' };
  if (!recorded) return { path, change };
  return state === 'before' ? { path, change, recorded, dropBackup: true } : { path, change, recorded, keep: recorded };
};

const putBack = async (tree: HostTree, recorded: InstalledFile, current: HostFile | undefined): Promise<Step> => {
  const { path, before } = recorded;
  const gone = { path, recorded, dropBackup: before !== null };
  const state = stateOf(recorded, current);
  if (state === 'before' || !current) return { ...gone, change: { path, action: 'unchanged' } };
  if (state === 'changed') {
    const file = { ...current, bytes: Buffer.from(await reverted(tree, recorded, current)) };
    return { ...gone, change: { path, action: 'reverted' }, write: { path, file } };
  }
  if (!before) return { ...gone, change: { path, action: 'removed' }, remove: true };
  return { ...gone, change: { path, action: 'restored' }, write: { path, file: await backupOf(tree, recorded) } };
};

const reverted = async (tree: HostTree, recorded: InstalledFile, current: HostFile): Promise<string> => {
  const { path, before, edit: change } = recorded;
  const original = await originalOf(tree, recorded);
  const old = original && decodeText(path, original.bytes);
  const text = change && revertSetting(change, old, decodeText(path, current.bytes));
  if (text !== undefined) return text;
  throw new RefusedError(`${path} was changed after the install`, [
    before
      ? `Take the mirror out of it by hand; as it was before the install it is kept in ${backupPath(path)}.`
      : 'There was no such file before the install: remove it by hand, or what is no longer wanted in it.',
    'Then run the same command again.',
  ]);
};

const originalOf = async (tree: HostTree, recorded: InstalledFile): Promise<HostFile | undefined> =>
  recorded.before ? backupOf(tree, recorded) : undefined;

/** The file as it was before the install. @throws RefusedError when the backup is gone or damaged */
const backupOf = async (tree: HostTree, { path, before }: InstalledFile): Promise<HostFile> => {
  const backup = await tree.read(backupPath(path));
  if (!backup || !before || sha256(backup.bytes) !== before.sha256) {
    throw new RefusedError(`${backupPath(path)}, the backup of ${path}, is gone or damaged`, [
      `Mend ${path} by hand, then remove /var/lib/shoal/install.`,
    ]);
  }
  const { mode, uid, gid } = before satisfies Before;
  return { bytes: backup.bytes, mode, uid, gid };
};

const owner = (): { uid: number; gid: number } => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

export const newFile = (mode: number): Omit<HostFile, 'bytes'> => ({ mode, ...owner() });
