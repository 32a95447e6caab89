import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
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

/** The version of an unpacked package, from its changelog; some programs do not know their own. */
export const debianVersion = async (name: string): Promise<string> => {
  const changelog = await readFile(path.join(cache, name, 'usr/share/doc', name, 'changelog.Debian.gz'));
  return /^\S+ \(([^)]+)\)/.exec(gunzipSync(changelog).toString())?.[1] ?? 'unknown';
};

const unpack = async (name: string, folder: string): Promise<void> => {
  const { filename, sha256 } = await packageOf(name);
  const bytes = await download(`${mirror}/${filename}`);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${filename} has another SHA-256`);
  const temporary = `${folder}.${process.pid}`;
  await writeFile(`${temporary}.deb`, bytes);
  await run('dpkg-deb', ['-x', `${temporary}.deb`, temporary]);
  await rm(`${temporary}.deb`);
  await rename(temporary, folder);
};

const packageOf = async (name: string): Promise<{ filename: string; sha256: string }> => {
  index ??= packageIndex();
  const stanza = (await index).find((text) => text.startsWith(`Package: ${name}\n`)) ?? '';
  const field = (key: string): string => new RegExp(`^${key}: (\\S+)$`, 'm').exec(stanza)?.[1] ?? '';
  if (field('Filename') === '') throw new Error(`there is no package ${name}`);
  return { filename: field('Filename'), sha256: field('SHA256') };
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
