import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, type Client, installMirror, type PullRequest, versionOf } from './client.ts';
import { pullByCri } from './cri.ts';
import { startContainerd } from './daemon.ts';
import { debianSid } from './debian-sid.ts';

/** Pulls with `ctr` of the same folder as the daemon. */
const pullByCtr = async (program: string, request: PullRequest): Promise<string> => {
  const { reference, folder, mirror, login, timed } = request;
  await using containerd = await startContainerd(program, folder);
  await installMirror('containerd', folder, mirror);
  const ctr = (args: readonly string[], options: { signal?: AbortSignal } = {}): Promise<string> =>
    run(path.join(path.dirname(program), 'ctr'), ['--address', containerd.socket, 'images', ...args], options);
  const hosts = mirror ? ['--hosts-dir', path.join(folder, 'etc/containerd/certs.d')] : ['--plain-http'];
  const user = login ? ['--user', `${login.name}:${login.password}`] : [];
  await timed((signal) => ctr(['pull', ...hosts, ...user, reference], { signal }));
  const [, digest] = / (sha256:[0-9a-f]{64}) /.exec(await ctr(['ls'])) ?? [];
  return digest ?? 'no image';
};

/** Pulls as the kubelet does. */
const pullAsKubelet = async (program: string, request: PullRequest): Promise<string> => {
  const { reference, folder, mirror, login, timed } = request;
  await mkdir(path.join(folder, 'etc/containerd/certs.d'), { recursive: true });
  await installMirror('containerd', folder, mirror);
  await using containerd = await startContainerd(program, folder, { root: folder });
  return await timed((signal) => pullByCri(containerd.socket, { reference, login }, signal));
};

const clients = (program: string, version: string): Record<'ctr' | 'CRI', Client> => {
  const containerd = { version, mirror: 'containerd' } as const;
  return {
    ctr: { ...containerd, name: `containerd (ctr)`, pull: (request) => pullByCtr(program, request) },
    CRI: { ...containerd, name: `containerd (CRI)`, pull: (request) => pullAsKubelet(program, request) },
  };
};

const installed = async (): Promise<string | { missing: string }> => {
  const program = findTool('containerd');
  return program ?? { missing: 'not installed' };
};

const fromSid = (): Promise<string | { missing: string }> => debianSid('containerd', 'usr/bin/containerd');

const candidate = (
  name: string,
  way: 'ctr' | 'CRI',
  locate: () => Promise<string | { missing: string }>,
): Candidate => ({
  name,
  find: async () => {
    const program = await locate();
    if (typeof program === 'object') return program;
    if (process.getuid?.() !== 0) return { missing: 'only root can start a containerd' };
    const version = await versionOf(program, ['--version'], / v?(\d+\.\d+\.\d+)/);
    return { ...clients(program, version)[way], name };
  },
});

export const containerds: readonly Candidate[] = [
  candidate('containerd, ctr', 'ctr', installed),
  candidate('containerd, CRI', 'CRI', installed),
  candidate('containerd of Debian sid, ctr', 'ctr', fromSid),
  candidate('containerd of Debian sid, CRI', 'CRI', fromSid),
];
