import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, type Client, installMirror, type PullRequest, versionOf } from './client.ts';
import { startContainerd, startDocker } from './daemon.ts';
import { debianSid } from './debian-sid.ts';

interface Programs {
  readonly dockerd: string;
  readonly containerd: string;
  readonly flags: readonly string[];
}

const pull = async (programs: Programs, { reference, folder, mirror, timed, hub }: PullRequest): Promise<string> => {
  await mkdir(path.join(folder, 'etc/docker'), { recursive: true });
  await writeFile(path.join(folder, 'etc/docker/daemon.json'), '{}');
  await installMirror('docker', folder, mirror);
  await using containerd = await startContainerd(programs.containerd, folder);
  const { dockerd, flags } = programs;
  await using daemon = await startDocker([dockerd, ...flags], folder, containerd, mirror ? hub.environment : {});
  const docker = (args: readonly string[], options: { signal?: AbortSignal } = {}): Promise<string> =>
    run('docker', ['--host', daemon.host, ...args], { ...options, env: { DOCKER_CONFIG: folder } });
  await timed((signal) => docker(['pull', '--quiet', reference], { signal }));
  return (await docker(['image', 'inspect', '--format', '{{.Id}}', reference])).trim();
};

const candidate = (name: string, locate: () => Promise<Programs | { missing: string }>): Candidate => ({
  name,
  find: async () => {
    const programs = await locate();
    if ('missing' in programs) return programs;
    if (findTool('docker') === undefined) return { missing: 'the docker command is not installed' };
    if (process.getuid?.() !== 0) return { missing: 'only root can start a docker daemon' };
    const version = await versionOf(programs.dockerd, ['--version']);
    return { name, version, mirror: 'docker', pull: (request) => pull(programs, request) } satisfies Client;
  },
});

const installed = async (): Promise<Programs | { missing: string }> => {
  const [dockerd, containerd] = [findTool('dockerd'), findTool('containerd')];
  if (dockerd === undefined || containerd === undefined) return { missing: 'not installed' };
  return { dockerd, containerd, flags: [] };
};

const fromSid = async (flags: readonly string[]): Promise<Programs | { missing: string }> => {
  const dockerd = await debianSid('docker.io', 'usr/sbin/dockerd');
  const containerd = await debianSid('containerd', 'usr/bin/containerd');
  if (typeof dockerd === 'object') return dockerd;
  if (typeof containerd === 'object') return containerd;
  return { dockerd, containerd, flags };
};

/** Up to version 28 docker has a store of its own; from 29 on that of containerd is what a new installation has. */
export const dockers: readonly Candidate[] = [
  candidate('docker', installed),
  candidate('docker of Debian sid', () => fromSid([])),
  candidate('docker of Debian sid, containerd store', () => fromSid(['--feature=containerd-snapshotter=true'])),
];
