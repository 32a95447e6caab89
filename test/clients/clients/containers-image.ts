/** skopeo, podman and buildah: one library, which CRI-O shares. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, installMirror, type PullRequest, versionOf } from './client.ts';
import { verifyDir } from './layout.ts';

/** The home folder of a user who has what `shoal install podman` wrote as a drop-in. */
const homeWithMirror = async ({ folder, mirror }: PullRequest): Promise<string> => {
  const home = path.join(folder, 'home');
  const dropIns = path.join(home, '.config/containers/registries.conf.d');
  await mkdir(dropIns, { recursive: true });
  const root = path.join(folder, 'host');
  await mkdir(root);
  await installMirror('podman', root, mirror);
  if (mirror) await cp(path.join(root, 'etc/containers/registries.conf.d/50-shoal.conf'), path.join(dropIns, 'a.conf'));
  return home;
};

interface Variant {
  readonly name: string;
  /** Runs the command and resolves to a digest. */
  readonly pull: (request: PullRequest, exec: (...args: string[]) => Promise<string>) => Promise<string>;
}

const libraryClient = ({ name, pull }: Variant): Candidate => ({
  name,
  find: async () => {
    if (findTool(name) === undefined) return { missing: 'not installed' };
    return {
      name,
      version: await versionOf(name, ['--version']),
      mirror: 'podman',
      pull: async (request) => {
        const env = { HOME: await homeWithMirror(request), XDG_RUNTIME_DIR: request.folder, TMPDIR: request.folder };
        return pull(request, (...args) => request.timed((signal) => run(name, args, { env, signal })));
      },
    };
  },
});

export const skopeo = libraryClient({
  name: 'skopeo',
  pull: async ({ reference, folder }, exec) => {
    const image = path.join(folder, 'image');
    await exec('--insecure-policy', 'copy', '--src-tls-verify=false', `docker://${reference}`, `dir:${image}`);
    return verifyDir(image);
  },
});

/** What comes is unpacked, so its layers were verified; both print the digest of the configuration. */
const storing = (name: string): Candidate =>
  libraryClient({
    name,
    pull: async ({ reference, folder }, exec) => {
      const policy = path.join(folder, 'policy.json');
      await writeFile(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
      const store = ['--root', path.join(folder, 'store'), '--runroot', path.join(folder, 'run')];
      const trust = ['--tls-verify=false', '--signature-policy', policy];
      const id = await exec(...store, '--storage-driver', 'vfs', 'pull', '--quiet', ...trust, reference);
      return `sha256:${id.trim()}`;
    },
  });

export const podman = storing('podman');
export const buildah = storing('buildah');
