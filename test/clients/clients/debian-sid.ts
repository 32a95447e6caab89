import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from '../../support/run.ts';

const mirror = 'http://deb.debian.org/debian';
const cache = path.join(import.meta.dirname, '../../../node_modules/.cache/debian-sid');
const downloadTimeoutMs = 120_000;

/** Nothing is installed: a program of Debian's unstable release, for one that this machine has older or not at all. */
export const debianSid = async (name: string, program: string): Promise<string | { readonly missing: string }> => {
  const folder = path.join(cache, name);
  const file = path.join(folder, program);
  try {
    await access(file).catch(() => unpack(name, folder));
    await access(file);
    return file;
  } catch (error) {
    return { missing: `not installed, and not from Debian sid: ${error instanceof Error ? error.message : error}` };
  }
};

/**
 * The same for a program that needs a newer C library than this machine has: it is unpacked with the libraries it depends on,
 * and runs with that folder as its root. @returns the command that starts it, with /tmp, /proc, /dev and /sys of this machine
 */
export const debianSidRoot = async (
  name: string,
  program: string,
): Promise<readonly [string, ...string[]] | { readonly missing: string }> => {
  const folder = path.join(cache, `${name}-root`);
  try {
    await access(path.join(folder, program)).catch(() => unpackRoot(name, folder));
  } catch (error) {
    return { missing: `not from Debian sid: ${error instanceof Error ? error.message : error}` };
  }
  const mounts = ['tmp', 'proc', 'dev', 'sys'].map((each) => `mount --rbind /${each} "$0/${each}"`);
  const inside = `${mounts.join(' && ')} && exec chroot "$0" /${program} "$@"`;
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', inside, folder];
};

const packagesMax = 200;

/** podman looks for what runs containers before it pulls. */
const needed = /^(lib|conmon$|crun$|netavark$)/;

/** What it depends on of libraries, and these in turn; of alternatives the first. */
const withLibraries = async (name: string): Promise<Set<string>> => {
  const wanted = new Set([name]);
  for (const each of wanted) {
    const { depends } = await packageOf(each);
    for (const [library = ''] of depends.split(', ').map((text) => text.split(/[ :]/)))
      if (needed.test(library) && wanted.size < packagesMax) wanted.add(library);
  }
  return wanted;
};

const unpackRoot = async (name: string, folder: string): Promise<void> => {
  const temporary = `${folder}.${process.pid}`;
  for (const each of ['tmp', 'proc', 'dev', 'sys', 'etc', 'root', 'var/tmp', 'usr/lib64', 'usr/bin'])
    await mkdir(path.join(temporary, each), { recursive: true });
  for (const each of ['lib', 'lib64', 'bin', 'sbin']) await symlink(`usr/${each}`, path.join(temporary, each));
  for (const each of await withLibraries(name)) await unpackInto(each, temporary);
  await rename(temporary, folder);
};

/** The version of an unpacked package, from its changelog; some programs do not know their own. */
export const debianVersion = async (name: string): Promise<string> => {
  const changelog = await readFile(path.join(cache, name, 'usr/share/doc', name, 'changelog.Debian.gz'));
  return /^\S+ \(([^)]+)\)/.exec(gunzipSync(changelog).toString())?.[1] ?? 'unknown';
};

const unpack = async (name: string, folder: string): Promise<void> => {
  const temporary = `${folder}.${process.pid}`;
  await mkdir(temporary, { recursive: true });
  await unpackInto(name, temporary);
  await rename(temporary, folder);
};

const unpackInto = async (name: string, folder: string): Promise<void> => {
  const { filename, sha256 } = await packageOf(name);
  const bytes = await download(`${mirror}/${filename}`);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${filename} has another SHA-256`);
  await writeFile(`${folder}.deb`, bytes);
  // Links that stand for folders are kept: packages have paths below /lib and /usr/lib.
  await run('sh', [
    '-c',
    'dpkg-deb --fsys-tarfile "$0" | tar --extract --keep-directory-symlink --directory "$1"',
    `${folder}.deb`,
    folder,
  ]);
  await rm(`${folder}.deb`);
};

const packageOf = async (name: string): Promise<{ filename: string; sha256: string; depends: string }> => {
  index ??= packageIndex();
  const stanza = (await index).find((text) => text.startsWith(`Package: ${name}\n`)) ?? '';
  const field = (key: string): string => new RegExp(`^${key}: (\\S+)$`, 'm').exec(stanza)?.[1] ?? '';
  if (field('Filename') === '') throw new Error(`there is no package ${name}`);
  const depends = /^Depends: (.+)$/m.exec(stanza)?.[1] ?? '';
  return { filename: field('Filename'), sha256: field('SHA256'), depends };
};

let index: Promise<readonly string[]> | undefined;

const indexBytesMax = 256 * 1024 * 1024;

/** Read once a process. */
const packageIndex = async (): Promise<readonly string[]> => {
  await mkdir(cache, { recursive: true });
  const architecture = (await run('dpkg', ['--print-architecture'])).trim();
  const file = path.join(cache, `Packages.${process.pid}.xz`);
  await writeFile(file, await download(`${mirror}/dists/sid/main/binary-${architecture}/Packages.xz`));
  const text = await run('xz', ['--decompress', '--stdout', file], { bytesMax: indexBytesMax });
  await rm(file);
  return text.split('\n\n');
};

const download = async (url: string): Promise<Buffer> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
};
