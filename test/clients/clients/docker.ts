import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { Background, run } from '../../support/run.ts';
import { type Candidate, type Client, installMirror, type PullRequest, versionOf, writeLogin } from './client.ts';
import { startContainerd, startDocker } from './daemon.ts';
import { debianSid } from './debian-sid.ts';

interface Programs {
  readonly dockerd: string;
  readonly containerd: string;
  readonly flags: readonly string[];
}

const pull = async (programs: Programs, request: PullRequest): Promise<string> => {
  const { reference, folder, mirror, timed, hub } = request;
  await mkdir(path.join(folder, 'etc/docker'), { recursive: true });
  await writeFile(path.join(folder, 'etc/docker/daemon.json'), '{}');
  await installMirror('docker', folder, mirror);
  await using containerd = await startContainerd(programs.containerd, folder);
  const { dockerd, flags } = programs;
  await using daemon = await startDocker([dockerd, ...flags], folder, containerd, mirror ? hub.environment : {});
  const env = await writeLogin(request);
  const host = ['--host', daemon.host];
  await timed((signal) => pullOnce([...host, 'pull', '--quiet', reference], env, signal));
  return (await run('docker', [...host, 'image', 'inspect', '--format', '{{.Id}}', reference], { env })).trim();
};

const pullOnce = async (args: readonly string[], env: Record<string, string>, signal: AbortSignal): Promise<void> => {
  await using client = new Background('docker', args, { env });
  const kill = (): boolean => client.child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  // It asks whoever sits there, and waits, although nobody does.
  const asks = await client.printed(/^Login prior to pull/, longestPullMs).then(
    () => true,
    () => false,
  );
  if (asks) throw new Error('unauthorized: docker asks for a login');
  if ((await client.exited) !== 0) throw new Error(client.text);
};

const longestPullMs = 600_000;

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
