/**
 * Stand-ins for the base images that the project's files name, from the programs of this machine: nothing is pulled.
 * An image that is there already is left as it is.
 */
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { docker } from '../support/docker.ts';
import { findTool } from '../support/external.ts';
import { run } from '../support/run.ts';

interface BaseImage {
  /** Programs by their path in the image, where they come from. */
  readonly programs: Readonly<Record<string, string>>;
  /** Folders by their path in the image. */
  readonly folders?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

const tool = (name: string): string => {
  const file = findTool(name);
  if (file === undefined) throw new Error(`${name} is not in PATH`);
  return file;
};

/** What `node:26` has for a build: Node.js and npm, with the authorities that this machine trusts. */
export const nodeBase = async (): Promise<BaseImage> => {
  const npm = path.join(path.dirname(await realpath(tool('npm'))), '..');
  const authorities = process.env['NODE_EXTRA_CA_CERTS'];
  return {
    programs: { '/usr/local/bin/node': process.execPath, '/usr/bin/env': tool('env') },
    folders: {
      '/usr/local/lib/node_modules/npm': npm,
      ...(authorities && { '/etc/ssl/certs/ca-certificates.crt': authorities }),
    },
    links: { '/usr/local/bin/npm': '../lib/node_modules/npm/bin/npm-cli.js' },
    env: authorities ? { NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' } : {},
  };
};

/** Debian's redis-server. */
export const redisBase = (): BaseImage => ({
  programs: { '/usr/bin/redis-server': tool('redis-server'), '/usr/bin/redis-cli': tool('redis-cli') },
});

export const imageExists = (name: string): Promise<boolean> =>
  docker('image', 'inspect', name).then(
    () => true,
    () => false,
  );

/** Builds the image unless there is one of that name. */
export const provideImage = async (name: string, base: () => BaseImage | Promise<BaseImage>): Promise<void> => {
  if (await imageExists(name)) return;
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-base-'));
  try {
    const { programs, folders = {}, links = {}, env = {} } = await base();
    const place = async (to: string): Promise<string> => {
      const target = path.join(folder, 'root', to);
      await mkdir(path.dirname(target), { recursive: true });
      return target;
    };
    for (const [to, from] of Object.entries(programs)) {
      await copyFile(await realpath(from), await place(to));
      for (const library of await librariesOf(from)) await copyFile(await realpath(library), await place(library));
    }
    for (const [to, from] of Object.entries(folders)) {
      await cp(await realpath(from), await place(to), { recursive: true, dereference: true });
    }
    for (const [from, to] of Object.entries(links)) await symlink(to, await place(from));
    for (const empty of ['tmp', 'data', 'etc']) await mkdir(path.join(folder, 'root', empty), { recursive: true });
    const archive = path.join(folder, 'root.tar');
    await run('tar', ['--create', '--owner=0', '--group=0', '--file', archive, '--directory', `${folder}/root`, '.']);
    const changes = Object.entries({ PATH: '/usr/local/bin:/usr/bin', ...env });
    await docker('import', ...changes.flatMap(([key, value]) => ['--change', `ENV ${key}=${value}`]), archive, name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** What the loader would map, the loader included. */
const librariesOf = async (program: string): Promise<string[]> =>
  [...(await run('ldd', [program])).matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
