import { RefusedError } from '../errors.ts';
import type { HostView, Plan, Wanted } from '../install/plan.ts';
import { type Table, isTable, parseConfig } from '../install/setting.ts';
import { type Runtime, agentRegistry } from './runtime.ts';

const mainFile = '/etc/containers/registries.conf';
const dropInFolder = '/etc/containers/registries.conf.d';
const dropIn = `${dropInFolder}/50-shoal.conf`;

/** podman, skopeo, buildah and CRI-O read the same files (containers-registries.conf(5)). */
const runtime = (name: string, todo: readonly string[], notes: readonly string[]): Runtime => ({
  name,
  owner: 'containers',
  defaultAgent: agentRegistry,
  defaultRegistries: 'none',
  async plan(view, wanted): Promise<Plan> {
    const content = dropInText(wanted);
    const own = await existingRegistries(view, content);
    const conflicts = (wanted.registries ?? []).flatMap((host) => own.filter(({ prefix }) => covers(prefix, host)));
    const [conflict] = conflicts;
    if (conflict) throw alreadyThere(conflict);
    return { files: [{ path: dropIn, content }], notes: [...moreSpecific(own, wanted), ...notes, ...shared] };
  },
  todo: (changed) => (changed.length === 0 ? [] : todo),
});

const shared = [
  'podman, skopeo, buildah and CRI-O read the same file: what is installed for one of them is for all.',
  'They choose between agent and registry once an image, at its manifest, and do not go on at the registry when the agent fails after that.',
];

export const podman = runtime(
  'podman',
  [],
  [
    'Nothing has to be restarted: podman reads the file at every pull.',
    'A user whose ~/.config/containers/registries.conf names the same registry is not served by this file.',
  ],
);

export const crio = runtime('crio', ['Tell CRI-O, which goes on running: systemctl reload crio.'], []);

interface ExistingRegistry {
  readonly prefix: string;
  readonly file: string;
}

/** Every `[[registry]]` of the host. @throws RefusedError for version 1 of the format, beside which no mirror can be */
const existingRegistries = async (view: HostView, ours: string): Promise<readonly ExistingRegistry[]> => {
  const dropIns = (await view.files(dropInFolder)).filter((file) => file.endsWith('.conf'));
  const found: ExistingRegistry[] = [];
  for (const file of [mainFile, ...dropIns]) {
    const text = await view.text(file);
    if (text === undefined || (file === dropIn && text === ours)) continue;
    if (file === dropIn) throw notOurs();
    const tree = parseConfig('toml', file, text);
    if (tree['registries'] !== undefined) throw versionOne(file);
    found.push(...registriesOf(tree).map((prefix) => ({ prefix, file })));
  }
  return found;
};

const registriesOf = ({ registry }: Table): string[] =>
  (Array.isArray(registry) ? registry : [])
    .filter(isTable)
    .map(({ prefix, location }) => prefix || location)
    .filter((prefix) => typeof prefix === 'string');

const covers = (prefix: string, host: string): boolean =>
  prefix === host || (prefix.startsWith('*.') && host.split(':')[0]?.endsWith(prefix.slice(1)) === true);

const moreSpecific = (own: readonly ExistingRegistry[], { registries }: Wanted): readonly string[] =>
  own
    .filter(({ prefix }) => registries?.some((host) => prefix.startsWith(`${host}/`)))
    .map(({ prefix, file }) => `${prefix} has an entry of its own in ${file} and is not pulled through the agent.`);

/** There is no prefix for every registry, so that each stands here by name; the path tells the agent which it is. */
const dropInText = ({ agent, registries }: Wanted): string =>
  [
    '# Written by `shoal install podman` or `shoal install crio`; `shoal uninstall` of either takes it away.',
    ...(registries ?? []).flatMap((host) => [
      '',
      '[[registry]]',
      `prefix = "${host}"`,
      `location = "${host}"`,
      '',
      '[[registry.mirror]]',
      // A path has no colon, so the agent takes a port behind an underscore.
      `location = "${agent.host}/${host.replace(':', '_')}"`,
      ...(agent.protocol === 'http:' ? ['insecure = true'] : []),
    ]),
    '',
  ].join('\n');

const notOurs = (): RefusedError =>
  new RefusedError(`${dropIn} is there and shoal did not write it, or it was changed since`, [
    'Move it away, then run the same command again.',
  ]);

const alreadyThere = ({ prefix, file }: ExistingRegistry): RefusedError =>
  new RefusedError(`${file} has a [[registry]] for ${prefix} already, and only one of two counts`, [
    'Add a [[registry.mirror]] of the agent to that one by hand, or take it out and run the same command again.',
  ]);

const versionOne = (file: string): RefusedError =>
  new RefusedError(`${file} is in version 1 of its format (a [registries] table), beside which mirrors can't be set`, [
    'Rewrite it in version 2: unqualified-search-registries = [...], and a [[registry]] with a location for each host.',
  ]);
