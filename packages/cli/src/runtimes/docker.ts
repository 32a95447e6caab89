import { RefusedError } from '../errors.ts';
import type { HostView, Plan } from '../install/plan.ts';
import { differsOnlyIn, parseConfig, setJson } from '../install/setting.ts';
import type { Runtime } from './runtime.ts';

const daemonJson = '/etc/docker/daemon.json';
const key = 'registry-mirrors';
const setting = { format: 'json', key: [key] } as const;

export const docker: Runtime = {
  name: 'docker',
  owner: 'docker',
  // Docker does not say that it means Docker Hub, so the agent needs a listener that stands for it.
  defaultAgent: 'http://127.0.0.1:7024',
  defaultRegistries: ['docker.io'],
  refusal: (registry) => (registry === 'docker.io' ? undefined : 'docker.io, the only one that docker mirrors'),

  async plan(view, { agent }): Promise<Plan> {
    await checkFlags(view);
    const text = await view.text(daemonJson);
    // dockerd takes an empty file for one without settings.
    const base = text === undefined || text.trim() === '' ? '{}\n' : text;
    const mirrors = parseConfig('json', daemonJson, base)[key];
    const content = alreadyFirst(mirrors, agent) ? base : edited(base, mirrors, agent);
    return { files: [{ path: daemonJson, content, setting }], notes };
  },

  todo(changed, by) {
    if (changed.length === 0) return [];
    // A reload takes over settings that are there and keeps the value of those that are not.
    return by === 'install'
      ? ['Tell the docker daemon, which goes on running: systemctl reload docker (or kill -HUP its process).']
      : [
          'Docker forgets the mirror when it is restarted, not at a reload; until then it asks the agent first and Docker Hub after it.',
        ];
  },
};

const notes = [
  'The agent has to listen there for Docker Hub: registry.mirrors: [{ upstream: docker.io, port: 7024 }] in its configuration.',
  'Docker mirrors Docker Hub alone; other registries are pulled by the name of the agent, as in docker pull 127.0.0.1:7020/ghcr.io/owner/image.',
  "With Docker's containerd image store it is the same setting; there a hosts.toml in /etc/docker/certs.d/<host> can mirror other registries, which this command does not write.",
];

const alreadyFirst = (mirrors: unknown, agent: URL): boolean =>
  Array.isArray(mirrors) && typeof mirrors[0] === 'string' && mirrors[0].replace(/\/$/, '') === agent.origin;

const edited = (base: string, mirrors: unknown, agent: URL): string => {
  if (mirrors !== undefined && !(Array.isArray(mirrors) && mirrors.length === 0)) {
    throw new RefusedError(`${daemonJson} has ${key} of its own: ${JSON.stringify(mirrors)}`, [
      `Put ${JSON.stringify(agent.origin)} before them by hand, or take them out and run the same command again.`,
    ]);
  }
  const content = setJson(base, setting.key, [agent.origin]);
  if (differsOnlyIn(setting, base, content, [agent.origin])) return content;
  throw new RefusedError(`${daemonJson} has a form in which ${key} can't be set without touching the rest`, [
    `Add "${key}": [${JSON.stringify(agent.origin)}] by hand.`,
  ]);
};

/** dockerd does not start when a setting is both in the file and on its command line. */
const checkFlags = async (view: HostView): Promise<void> => {
  const folders = ['/etc/systemd/system/docker.service.d', '/usr/lib/systemd/system/docker.service.d'];
  const units = (await Promise.all(folders.map((folder) => orRefused(view.files(folder))))).flat();
  const files = ['/etc/default/docker', '/etc/systemd/system/docker.service', '/usr/lib/systemd/system/docker.service'];
  for (const file of [...files, ...units.filter((unit) => unit !== undefined)]) {
    const text = await orRefused(view.text(file));
    if (typeof text !== 'string' || !/^[^#\n]*--registry-mirror/m.test(text)) continue;
    throw new RefusedError(
      `${file} gives dockerd the flag --registry-mirror, and with ${key} in ${daemonJson} as well it does not start`,
      ['Take the flag out there, then run the same command again.'],
    );
  }
};

/** A unit that is masked or linked is no reason to refuse: these files are only looked at. */
const orRefused = async <T>(reading: Promise<T>): Promise<T | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RefusedError) return undefined;
    throw error;
  }
};
