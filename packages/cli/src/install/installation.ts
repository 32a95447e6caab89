import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HostLock } from './host-lock.ts';
import type { HostTree } from './host-tree.ts';
import { HostWriter, isTemporary } from './host-writer.ts';
import type { HostView, Plan, PlannedFile } from './plan.ts';
import {
  type InstallRecord,
  type InstalledFile,
  backupPath,
  formatRecord,
  readRecord,
  recordPath,
  stateFolder,
  stateOf,
} from './record.ts';
import { type Change, type Step, newFile, settle } from './settle.ts';
import { decodeText } from './text.ts';

/**
 * What shoal has changed of one owner's files (`containerd`, `docker`, `containers`) on one host. The record and the
 * backups are on the medium before the first file is touched, so an install or uninstall that was killed is finished,
 * or taken back, by the next one.
 */
export class Installation {
  readonly #tree: HostTree;
  readonly #writer: HostWriter;
  readonly #owner: string;
  readonly #record: InstallRecord;

  private constructor(tree: HostTree, writer: HostWriter, owner: string, record: InstallRecord) {
    this.#tree = tree;
    this.#writer = writer;
    this.#owner = owner;
    this.#record = record;
  }

  static async open(tree: HostTree, owner: string, writer = new HostWriter(tree)): Promise<Installation> {
    return new Installation(tree, writer, owner, await readRecord(tree));
  }

  /** False: there is nothing to uninstall. */
  get installed(): boolean {
    return this.#recorded.length > 0;
  }

  get #recorded(): readonly InstalledFile[] {
    return this.#record.installs[this.#owner] ?? [];
  }

  /** Makes the files as planned; what an earlier install changed and this plan does not is as it was before. */
  async install(plan: (view: HostView) => Promise<Plan>, dryRun = false): Promise<readonly Change[]> {
    const { files } = await plan(this.#view());
    return this.#change(files, dryRun);
  }

  /** Puts everything back. */
  uninstall(dryRun = false): Promise<readonly Change[]> {
    return this.#change([], dryRun);
  }

  #view(): HostView {
    const before = async (hostPath: string): Promise<Buffer | undefined> => {
      const current = await this.#tree.read(hostPath);
      const recorded = this.#recorded.find((file) => file.path === hostPath);
      if (!recorded || stateOf(recorded, current) !== 'ours') return current?.bytes;
      return recorded.before ? (await this.#tree.read(backupPath(hostPath)))?.bytes : undefined;
    };
    return {
      text: async (hostPath) => {
        const bytes = await before(hostPath);
        return bytes && decodeText(hostPath, bytes);
      },
      files: async (folder) => {
        const all = await this.#tree.files(folder);
        const existed = await Promise.all(all.map(async (file) => (await this.#existed(file)) && !isTemporary(file)));
        return all.filter((_, index) => existed[index]);
      },
    };
  }

  async #existed(hostPath: string): Promise<boolean> {
    const recorded = this.#recorded.find((file) => file.path === hostPath);
    if (!recorded || recorded.before) return true;
    return stateOf(recorded, await this.#tree.read(hostPath)) !== 'ours';
  }

  async #change(planned: readonly PlannedFile[], dryRun: boolean): Promise<readonly Change[]> {
    const paths = [...new Set([...planned, ...this.#recorded].map((file) => file.path))];
    const steps = await Promise.all(
      paths.map((hostPath) =>
        settle(
          this.#tree,
          hostPath,
          planned.find((file) => file.path === hostPath),
          this.#recorded.find((file) => file.path === hostPath),
        ),
      ),
    );
    const keep = steps.flatMap(({ keep: kept }) => kept ?? []);
    const idle = steps.every(({ write, remove }) => !write && !remove) && keep.length === this.#recorded.length;
    if (!dryRun && !idle) await this.#perform(steps, keep);
    return steps.map(({ change }) => change);
  }

  async #perform(steps: readonly Step[], keep: readonly InstalledFile[]): Promise<void> {
    const backups = steps.flatMap(({ backup }) => backup ?? []);
    const writes = steps.flatMap(({ write }) => write ?? []);
    const folders = await this.#missingFolders([recordPath, ...[...backups, ...writes].map((file) => file.path)]);
    const forLock = (folder: string): boolean => recordPath.startsWith(`${folder}/`);
    const make = (folder: string): Promise<void> => this.#writer.makeFolder(folder, folderMode(folder));
    for (const folder of folders.filter(forLock)) await make(folder);
    const known = { ...this.#record, folders: [...new Set([...this.#record.folders, ...folders])] };
    const done = await this.#underLock(async () => {
      await this.#writeRecord({ ...known, installs: { ...known.installs, [this.#owner]: transition(steps) } });
      for (const folder of folders.filter((name) => !forLock(name))) await make(folder);
      for (const file of backups) await this.#writer.write(file.path, file.file);
      for (const { path: file, write, remove } of steps) {
        if (write) await this.#writer.write(file, write.file);
        if (remove) await this.#writer.remove(file);
      }
      return this.#finish(known, steps, keep);
    });
    if (done) await this.#removeFolders([...known.folders, stateFolder]);
  }

  /** What was planned holds only as long as nobody else has installed anything since. */
  async #underLock<T>(work: () => Promise<T>): Promise<T> {
    await using _ = await HostLock.take(this.#tree);
    if (isDeepStrictEqual(await readRecord(this.#tree), this.#record)) return await work();
    throw new Error('another shoal has changed this host meanwhile; run the same command again');
  }

  /** True when nothing is installed any more, and only folders are left to remove. */
  async #finish(known: InstallRecord, steps: readonly Step[], keep: readonly InstalledFile[]): Promise<boolean> {
    for (const { path: file, dropBackup } of steps) if (dropBackup) await this.#writer.remove(backupPath(file));
    const { [this.#owner]: _, ...others } = known.installs;
    const installs = keep.length > 0 ? { ...others, [this.#owner]: keep } : others;
    const done = Object.keys(installs).length === 0;
    if (done) await this.#writer.remove(recordPath);
    else await this.#writeRecord({ version: 1, folders: await this.#removeFolders(known.folders), installs });
    return done;
  }

  /** Innermost first. What is in use stays, and is given back, for the next uninstall to try. */
  async #removeFolders(folders: readonly string[]): Promise<readonly string[]> {
    const left: string[] = [];
    for (const folder of folders.toReversed()) {
      await this.#writer.removeFolder(folder);
      if (await this.#tree.stat(folder)) left.unshift(folder);
    }
    return left;
  }

  #writeRecord(record: InstallRecord): Promise<void> {
    return this.#writer.write(recordPath, { bytes: formatRecord(record), ...newFile(0o600) });
  }

  /** The folders that have to be made for these files, outermost first. */
  async #missingFolders(files: readonly string[]): Promise<string[]> {
    const missing = new Set<string>();
    for (const file of files) {
      for (let folder = path.dirname(file); folder !== '/'; folder = path.dirname(folder)) {
        if (!missing.has(folder) && !(await this.#tree.stat(folder))) missing.add(folder);
      }
    }
    return [...missing].toSorted((a, b) => a.length - b.length);
  }
}

/** The record while files change: both what they were and what they become count as ours. */
const transition = (steps: readonly Step[]): readonly InstalledFile[] =>
  steps.flatMap(({ keep, recorded }) =>
    keep && recorded ? { ...keep, after: [...keep.after, ...recorded.after] } : (keep ?? recorded ?? []),
  );

/** Backups may hold credentials, as configuration of containerd does. */
const folderMode = (folder: string): number => (folder.startsWith(stateFolder) ? 0o700 : 0o755);
