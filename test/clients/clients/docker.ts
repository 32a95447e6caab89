import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, installMirror, versionOf } from './client.ts';
import { startContainerd, startDocker } from './daemon.ts';

/** The store of its own, as docker has had it up to version 28. */
export const docker: Candidate = {
  name: 'docker',
  find: async () => {
    const [containerd, dockerd] = [findTool('containerd'), findTool('dockerd')];
    if (containerd === undefined || dockerd === undefined) return { missing: 'not installed' };
    if (process.getuid?.() !== 0) return { missing: 'only root can start a docker daemon' };
    return {
      name: 'docker',
      version: await versionOf('dockerd', ['--version']),
      mirror: 'docker',
      pull: async ({ reference, folder, mirror, timed, hub }) => {
        await mkdir(path.join(folder, 'etc/docker'), { recursive: true });
        await writeFile(path.join(folder, 'etc/docker/daemon.json'), '{}');
        await installMirror('docker', folder, mirror);
        await using beside = await startContainerd(containerd, folder);
        await using daemon = await startDocker(folder, beside, folder, mirror ? hub.environment : {});
        const command = (args: readonly string[], options: { signal?: AbortSignal } = {}): Promise<string> =>
          run('docker', ['--host', daemon.host, ...args], { ...options, env: { DOCKER_CONFIG: folder } });
        await timed((signal) => command(['pull', '--quiet', reference], { signal }));
        return (await command(['image', 'inspect', '--format', '{{.Id}}', reference])).trim();
      },
    };
  },
};
