import type { Command } from '../command.ts';
import { Installation } from '../install/installation.ts';
import type { Plan, Wanted } from '../install/plan.ts';
import { changedPaths, printReport } from './report.ts';
import { agentOf, registriesOf, hostOf, runtimeNames, runtimeOf, targetFlags } from './target.ts';

export const install: Command = {
  name: 'install',
  summary: 'Lets a container runtime of this machine pull through the agent',
  parameters: runtimeNames,
  flags: {
    agent: {
      value: 'URL',
      help: 'the agent of this machine (default http://127.0.0.1:7020, for docker http://127.0.0.1:7024)',
    },
    registry: {
      value: 'HOST',
      multiple: true,
      help: 'a registry that goes through the agent; may be given several times',
    },
    ...targetFlags,
  },
  details: `Without --registry containerd asks the agent for the images of every registry and docker for those of Docker Hub,
the only one it mirrors. podman and crio have no setting for every registry, so they need --registry.
The registry itself stays behind the agent: where the agent can't help the runtime goes on there.

Files are changed as little as possible and kept as they were in /var/lib/shoal/install; \`shoal uninstall\` puts them
back. What is not understood, or is configured otherwise already, is refused with what to do instead. A second install
with the same flags changes nothing, one with other flags replaces the first.`,

  async run(given, output) {
    const runtime = runtimeOf(given);
    const wanted: Wanted = { agent: agentOf(given, runtime), registries: registriesOf(given, runtime) };
    const [host, dryRun] = [hostOf(given), given.has('dry-run')];
    const installation = await Installation.open(host, runtime.owner);
    let notes: Plan['notes'] = [];
    const files = await installation.install(async (view) => {
      const plan = await runtime.plan(view, wanted);
      ({ notes } = plan);
      return plan;
    }, dryRun);
    const changed = changedPaths(files);
    const images = wanted.registries ? `images of ${wanted.registries.join(', ')}` : 'images of every registry';
    const nothing = changed.length === 0;
    printReport(
      {
        command: 'install',
        runtime: runtime.name,
        root: host.root,
        dryRun,
        result: nothing ? 'nothing to do' : 'done',
        summary: `${runtime.name} ${nothing ? 'is already set up to pull' : 'pulls'} ${images} through ${wanted.agent.origin}.`,
        files,
        todo: runtime.todo(changed, 'install'),
        notes,
      },
      given.has('json'),
      output,
    );
    return 0;
  },
};
