import { formatBytes } from '@shoal/core';
import { bar, percent, printable, table } from '../table.ts';
import type { ClusterState, ProcessState, Proof, ServiceName } from './snapshot.ts';

/** The cluster at a glance, for people. */
export const stateText = ({ processes, proof }: ClusterState): string => {
  const counts = (['origin', 'tracker', 'agent'] as const).map((service) => counted(processes, service));
  const swarms = Math.max(0, ...processes.map(({ figures }) => figures['swarms'] ?? 0));
  const troubles = processes.flatMap(({ url, problems, notes }) =>
    [...problems, ...notes].map((line) => `  ${url}  ${line}`),
  );
  return [
    `${counts.join(', ')}; ${versions(processes)}; ${swarms} swarms`,
    '',
    ...table([['SERVICE', 'ADDRESS', 'STATE', 'DOES'], ...processes.map(row)]),
    '',
    ...proofLines(proof),
    ...(troubles.length > 0 ? ['', 'WHAT IS MISSING', ...troubles] : []),
  ]
    .map(printable)
    .join('\n');
};

const counted = (processes: readonly ProcessState[], service: ServiceName): string => {
  const all = processes.filter((process) => process.service === service);
  return `${all.filter(({ state }) => state === 'ready').length} of ${all.length} ${service}s ready`;
};

const versions = (processes: readonly ProcessState[]): string => {
  const found = [...new Set(processes.flatMap(({ version }) => version ?? []))].toSorted();
  return found.length === 0 ? 'version unknown' : `version${found.length > 1 ? 's' : ''} ${found.join(', ')}`;
};

const row = (process: ProcessState): string[] => [process.service, process.url, process.state, does(process)];

const does = ({ service, state, figures }: ProcessState): string => {
  if (state === 'no answer') return '-';
  const bytes = (name: string): string => formatBytes(figures[name] ?? 0);
  const count = (name: string): number => figures[name] ?? 0;
  switch (service) {
    case 'origin':
      return `${count('blobs')} blobs, ${bytes('sentToSwarm')} to swarms, ${bytes('sentByHttp')} by HTTP`;
    case 'tracker':
      return `${count('peers')} peers, ${count('swarms')} swarms`;
    case 'agent':
      return `cache ${bytes('cacheBytes')} of ${bytes('cacheQuotaBytes')} (${count('cacheBlobs')} blobs), ${count('downloads')} downloads, ${count('seeding')} seeds`;
  }
};

const barWidth = 30;

/** Where the bytes came from: the reason why one runs this. */
export const proofLines = (proof: Proof): string[] => {
  const { fromPeers, fromOrigins, fromUpstream } = proof;
  const all = fromPeers + fromOrigins;
  const share = (part: number): string[] => [
    formatBytes(part).padStart(10),
    percent(part, all).padStart(7),
    bar(all === 0 ? 0 : part / all, barWidth),
  ];
  return [
    'WHERE THE BYTES OF ALL AGENTS CAME FROM, since each started',
    ...table([
      ['  peers', ...share(fromPeers)],
      ['  origins', ...share(fromOrigins)],
    ]),
    `Origins fetched ${formatBytes(fromUpstream)} from upstream; agents gave their clients ${formatBytes(proof.servedToClients)}.`,
  ];
};
