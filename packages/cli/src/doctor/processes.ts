import { formatBytes } from '@shoal/core';
import { asked, ClusterClient, getText } from '../cluster/ask.ts';
import type { Endpoints } from '../cluster/endpoints.ts';
import type { ProcessState } from '../cluster/snapshot.ts';
import { version } from '../version.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** The clocks of two sides may differ by 5 minutes before signed requests are refused; this warns early. */
const skewWarnMs = 60_000;
const skewMsMax = 300_000;

/** A file system with less is about to fail pulls and pushes. */
const freeShareMin = 0.05;

/** Whether each process answers, is ready, and has what it needs. */
export const checkProcesses = (processes: readonly ProcessState[]): Finding[] => processes.flatMap(checkProcess);

const checkProcess = (process: ProcessState): Finding[] => {
  const about = `${process.service} ${process.url}`;
  const [first = ''] = process.problems;
  if (process.state === 'no answer')
    return [
      problem(about, `does not answer: ${first}`, `start it, or name the right address with --${process.service}`),
    ];
  if (process.state === 'not ready')
    return [problem(about, `is not ready: ${process.problems.join('; ')}`, 'see its log, and docs/OPERATING.md')];
  const notes = process.notes.map((note) =>
    problem(about, `works without: ${note}`, 'start what it names, or correct its address in the configuration'),
  );
  return [ok(about, `ready, version ${process.version ?? 'unknown'}`), ...notes, ...checkDisk(about, process)];
};

const checkDisk = (about: string, { service, figures }: ProcessState): Finding[] => {
  const { folderFreeBytes, folderSizeBytes = 0, cacheBytes = 0, cacheQuotaBytes = 0 } = figures;
  if (folderFreeBytes === undefined) return [];
  const free = formatBytes(folderFreeBytes);
  if (service === 'origin' && folderFreeBytes < folderSizeBytes * freeShareMin)
    return [
      problem(
        about,
        `its disk has ${free} left of ${formatBytes(folderSizeBytes)}`,
        'free space or give it a larger disk: pushes fail when it is full',
      ),
    ];
  if (service === 'agent' && folderFreeBytes < cacheQuotaBytes - cacheBytes)
    return [
      warning(
        about,
        `its cache may still grow by ${formatBytes(cacheQuotaBytes - cacheBytes)}, its disk has ${free} left`,
        'lower cache.quotaBytes, or set cache.diskFreeBytesMin',
      ),
    ];
  return [ok(about, `${free} free on its disk`)];
};

export const checkVersions = (processes: readonly ProcessState[]): Finding[] => {
  const versions = [...new Set(processes.flatMap((process) => process.version ?? []))].toSorted();
  if (versions.length > 1)
    return [
      warning(
        'versions',
        `differ: ${versions.join(', ')}`,
        'finish the upgrade; docs/OPERATING.md says in which order',
      ),
    ];
  if (versions.length === 1 && versions[0] !== version)
    return [
      warning(
        'versions',
        `the cluster runs ${versions[0]}, this command is ${version}`,
        'use the command of the same version',
      ),
    ];
  return versions.length === 1 ? [ok('versions', `all ${version}, like this command`)] : [];
};

/** The registries answer as registries, and clocks agree. */
export const checkRegistries = async ({ origins, agents }: Endpoints): Promise<Finding[]> => {
  const all = [
    ...origins.map(({ url }) => ['origin', url] as const),
    ...agents.map(({ url }) => ['agent', url] as const),
  ];
  return (await Promise.all(all.map(([service, url]) => checkRegistry(`${service} ${url}`, url)))).flat();
};

const checkRegistry = async (about: string, url: string): Promise<Finding[]> => {
  const answer = await asked(getText(`${url}/v2/`));
  if ('failure' in answer)
    return [problem(about, `its registry does not answer: ${answer.failure}`, 'start it, or open the port')];
  const { status, date } = answer.value;
  if (status !== 200 && status !== 401)
    return [
      problem(
        about,
        `GET /v2/ answered ${status}, as no registry does`,
        'another program listens there: name the right address',
      ),
    ];
  const skewMs = date === null ? 0 : Math.abs(Date.parse(date) - Date.now());
  const mend = 'let NTP set the clocks of both machines';
  if (skewMs > skewMsMax)
    return [
      problem(
        about,
        `its clock differs from ours by ${Math.round(skewMs / 1000)} s, signed requests are refused`,
        mend,
      ),
    ];
  if (skewMs > skewWarnMs)
    return [warning(about, `its clock differs from ours by ${Math.round(skewMs / 1000)} s`, mend)];
  return [ok(about, 'answers as a registry, its clock agrees with ours')];
};

/** Whether we, and so whoever has the same secret, belong to the cluster. */
export const checkSecret = async (endpoints: Endpoints): Promise<Finding[]> => {
  const client = new ClusterClient(endpoints);
  const questions = [
    ...endpoints.origins.map(({ url }) => [`origin ${url}`, url, '/shoal/v1/cluster'] as const),
    ...endpoints.trackers.map(({ url }) => [`tracker ${url}`, url, '/shoal/v1/swarms?limit=1'] as const),
  ];
  return Promise.all(
    questions.map(async ([about, url, path]) => {
      const answer = await asked(client.json([url], path));
      if ('value' in answer)
        return ok(about, `its API answers${client.auth.enabled ? ' and proves the cluster secret' : ''}`);
      const mend = client.auth.enabled
        ? 'give both sides the same cluster.secret'
        : "if the cluster has a secret, give it in SHOAL_CLUSTER_SECRET or name an agent's configuration with --config";
      return problem(about, `its API does not answer us: ${answer.failure}`, mend);
    }),
  );
};
