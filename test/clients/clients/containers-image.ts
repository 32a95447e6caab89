/** skopeo, podman and buildah: one library, which CRI-O shares. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, installMirror, type PullRequest, versionOf, writeLogin } from './client.ts';
import { debianSidRoot } from './debian-sid.ts';
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
  /** The command and its first arguments; the name in `PATH` if absent. */
  readonly locate?: (name: string) => Promise<Located>;
  /** Runs the command and resolves to a digest. */
  readonly pull: (request: PullRequest, exec: (...args: string[]) => Promise<string>) => Promise<string>;
}

type Located = readonly [string, ...string[]] | { readonly missing: string };

const installed = async (name: string): Promise<Located> =>
  findTool(name) === undefined ? { missing: 'not installed' } : [name];

const libraryClient = ({ name, pull, locate = installed }: Variant): Candidate => ({
  name,
  find: async () => {
    const located = await locate(name);
    if ('missing' in located) return located;
    const [command, ...first] = located;
    return {
      name,
      version: await versionOf(command, [...first, '--version']),
      mirror: 'podman',
      pull: async (request) => {
        const { folder } = request;
        const own = { HOME: await homeWithMirror(request), XDG_RUNTIME_DIR: folder, TMPDIR: folder };
        const env = { ...own, ...(await writeLogin(request)) };
        return pull(request, (...args) =>
          request.timed((signal) => run(command, [...first, ...args], { env, signal })),
        );
      },
    };
  },
});

const copying = (name: string, locate?: Variant['locate']): Candidate =>
  libraryClient({
    name,
    ...(locate && { locate }),
    pull: async ({ reference, folder }, exec) => {
      const image = path.join(folder, 'image');
      await exec('--insecure-policy', 'copy', '--src-tls-verify=false', `docker://${reference}`, `dir:${image}`);
      return verifyDir(image);
    },
  });

/** What comes is unpacked, so its layers were verified; both print the digest of the configuration. */
const storing = (name: string, locate?: Variant['locate']): Candidate =>
  libraryClient({
    name,
    ...(locate && { locate }),
    pull: async ({ reference, folder }, exec) => {
      const policy = path.join(folder, 'policy.json');
      await writeFile(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
      const store = ['--root', path.join(folder, 'store'), '--runroot', path.join(folder, 'run')];
      const trust = ['--tls-verify=false', '--signature-policy', policy];
      const id = await exec(...store, '--storage-driver', 'vfs', 'pull', '--quiet', ...trust, reference);
      return `sha256:${id.trim()}`;
    },
  });

const fromSid = (name: string) => async (): Promise<Located> =>
  process.getuid?.() === 0
    ? debianSidRoot(name, `usr/bin/${name}`)
    : { missing: 'only root can change the root folder' };

export const podmans: readonly Candidate[] = [storing('podman'), storing('podman of Debian sid', fromSid('podman'))];
export const skopeos: readonly Candidate[] = [copying('skopeo'), copying('skopeo of Debian sid', fromSid('skopeo'))];
export const buildah = storing('buildah');
