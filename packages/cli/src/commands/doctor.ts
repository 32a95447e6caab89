import { clusterFlags, endpointsHelp, endpointsOf } from '../cluster/endpoints.ts';
import { clusterState } from '../cluster/snapshot.ts';
import type { Command } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkProcesses, checkRegistries, checkSecret, checkVersions } from '../doctor/processes.ts';
import { checkRuntimes } from '../doctor/runtimes.ts';
import { printable, table } from '../table.ts';
import { noPositionals } from './positionals.ts';
import { hostOf } from './target.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks this machine and the cluster, and says what to mend',
  parameters: '',
  flags: {
    ...clusterFlags,
    root: { value: 'DIR', help: 'the file system of the host is mounted at DIR (default /)' },
  },
  details: `It checks the mirror configuration of containerd, docker, podman and crio, whether origins, trackers and agents answer on
their ports and see each other, clocks, disks, versions and the cluster secret. It fails (1) when it finds a problem;
warnings are no failure. Nothing is changed.

${endpointsHelp}`,

  async run(given, output) {
    noPositionals(given);
    const [host, endpoints] = [hostOf(given), await endpointsOf(given)];
    const [{ processes }, registries, secret, runtimes] = await Promise.all([
      clusterState(endpoints),
      checkRegistries(endpoints),
      checkSecret(endpoints),
      checkRuntimes(host),
    ]);
    const findings = [...checkProcesses(processes), ...registries, ...secret, ...checkVersions(processes), ...runtimes];
    const problems = findings.filter(({ level }) => level === 'problem').length;
    output.out(given.has('json') ? JSON.stringify({ problems, findings }, undefined, 2) : report(findings, problems));
    return problems === 0 ? 0 : 1;
  },
};

const report = (findings: readonly Finding[], problems: number): string => {
  const rows = table(findings.map(({ level, about, text }) => [level, about, text]));
  const lines = findings.flatMap(({ mend }, index) => [
    rows[index] ?? '',
    ...(mend === undefined ? [] : [`         mend: ${mend}`]),
  ]);
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  return [...lines, '', `${problems} problems, ${warnings} warnings`].map(printable).join('\n');
};
