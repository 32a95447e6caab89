import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError } from '../errors.ts';
import type { HostTree } from '../install/host-tree.ts';
import { Installation } from '../install/installation.ts';
import { runtimes } from '../runtimes/runtimes.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { type Finding, ok, warning } from './finding.ts';

/** By what one sees that a runtime is there. */
const signs: Readonly<Record<string, { readonly programs: readonly string[]; readonly folder: string }>> = {
  containerd: { programs: ['containerd'], folder: '/etc/containerd' },
  docker: { programs: ['dockerd'], folder: '/etc/docker' },
  podman: { programs: ['podman'], folder: '/etc/containers' },
  crio: { programs: ['crio'], folder: '/etc/crio' },
};

const programFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin'];

/** Which runtimes of this machine pull through an agent. */
export const checkRuntimes = async (host: HostTree): Promise<Finding[]> => {
  const there = await Promise.all(runtimes.map((runtime) => isThere(host, runtime)));
  const present = runtimes.filter((_, index) => there[index]);
  if (present.length === 0)
    return [ok('container runtimes', 'none of containerd, docker, podman and crio is on this machine')];
  return Promise.all(present.map((runtime) => checkRuntime(host, runtime)));
};

const isThere = async (host: HostTree, { name }: Runtime): Promise<boolean> => {
  const { programs = [] } = signs[name] ?? {};
  const candidates = programFolders.flatMap((folder) =>
    programs.map((program) => path.join(host.root, folder, program)),
  );
  const found = await Promise.all(
    candidates.map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
};

/** A dry run of the installation knows every form that the configuration may have, and says what it can't change. */
const checkRuntime = async (host: HostTree, runtime: Runtime): Promise<Finding> => {
  const { name, owner, defaultAgent, defaultRegistries } = runtime;
  const install = `sudo npx shoal install ${name}${defaultRegistries === 'none' ? ' --registry docker.io' : ''}`;
  try {
    const installation = await Installation.open(host, owner);
    const registries = defaultRegistries === 'none' ? ['docker.io'] : defaultRegistries;
    const changes = await installation.install(
      (view) => runtime.plan(view, { agent: new URL(defaultAgent), registries }),
      true,
    );
    const differs = changes.some(({ action }) => action !== 'unchanged');
    if (!differs) return ok(name, `pulls through ${defaultAgent}`);
    if (installation.installed)
      return ok(name, 'pulls through an agent, with other flags than the default ones of `shoal install`');
    return warning(name, 'does not pull through an agent', install);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const [instead = 'see docs/CLI.md, install'] =
      error instanceof RefusedError ? error.instead : ['run doctor as root'];
    return warning(name, `its configuration can't be judged: ${reason}`, instead);
  }
};
