import type { Command } from '../command.ts';
import { Installation } from '../install/installation.ts';
import { changedPaths, printReport } from './report.ts';
import { hostOf, runtimeNames, runtimeOf, targetFlags } from './target.ts';

export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Takes back what install did to a container runtime',
  parameters: runtimeNames,
  flags: targetFlags,
  details: `Every file is as it was before the install: bytes, mode and owner; files and folders that the install made are
gone. A file that was changed since keeps these changes and loses only the mirror; where that can't be done for certain
nothing is changed and the command says which file and why.`,

  async run(given, output) {
    const runtime = runtimeOf(given);
    const [host, dryRun] = [hostOf(given), given.has('dry-run')];
    const installation = await Installation.open(host, runtime.owner);
    const { installed } = installation;
    const files = await installation.uninstall(dryRun);
    printReport(
      {
        command: 'uninstall',
        runtime: runtime.name,
        root: host.root,
        dryRun,
        result: installed ? 'done' : 'nothing to do',
        summary: installed
          ? `${runtime.name} is configured as it was before the install.`
          : `shoal install has not changed the configuration of ${runtime.name}.`,
        files,
        todo: runtime.todo(changedPaths(files), 'uninstall'),
        notes: [],
      },
      given.has('json'),
      output,
    );
    return 0;
  },
};
