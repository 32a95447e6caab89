import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../cli.ts';
import type { ExitCode } from '../errors.ts';

/** Content of files by their path on the host, `null` for an empty folder. */
export type Files = Readonly<Record<string, string | null>>;

export interface Result {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** The file system of a host in a temporary folder, which goes with it. */
export class TestHost implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(files: Files = {}, mode = 0o644): Promise<TestHost> {
    const host = new TestHost(await mkdtemp(path.join(tmpdir(), 'shoal-host-')));
    for (const [file, content] of Object.entries(files)) await host.put(file, content, mode);
    return host;
  }

  async put(file: string, content: string | null, mode = 0o644): Promise<void> {
    const at = path.join(this.root, file);
    await mkdir(content === null ? at : path.dirname(at), { recursive: true });
    if (content === null) return;
    await writeFile(at, content);
    await chmod(at, mode);
  }

  async text(file: string): Promise<string | undefined> {
    return readFile(path.join(this.root, file), 'utf8').catch(() => undefined);
  }

  async remove(file: string): Promise<void> {
    await rm(path.join(this.root, file));
  }

  /** `shoal ...argv --root <this host>`. */
  async shoal(...argv: string[]): Promise<Result> {
    const lines = { out: [] as string[], err: [] as string[] };
    const code = await runCli([...argv, '--root', this.root], {
      out: (text) => lines.out.push(text),
      err: (text) => lines.err.push(text),
    });
    return { code, out: lines.out.join('\n'), err: lines.err.join('\n') };
  }

  /** Everything there is: bytes, mode and owner of files, mode and owner of folders. */
  async snapshot(): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for (const entry of await readdir(this.root, { withFileTypes: true, recursive: true })) {
      const at = path.join(entry.parentPath, entry.name);
      const { mode, uid, gid } = await lstat(at);
      const content = entry.isFile() ? (await readFile(at)).toString('latin1') : '';
      found[path.relative(this.root, at)] = `${mode.toString(8)} ${uid}:${gid} ${content}`;
    }
    return found;
  }

  /** The same without folders, of which a killed install may leave empty ones behind. */
  async regularFiles(): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries(Object.entries(await this.snapshot()).filter(([, content]) => content.startsWith('100')));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}
