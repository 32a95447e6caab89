import { formatBytes, isDigest, parseImageName } from '@shoal/core';
import type { ParsedArguments } from '../arguments.ts';
import { type CachedBlob, type CacheOutcome, changeCache, listCache } from '../cluster/cache-control.ts';
import { basicHeaders } from '../cluster/credentials.ts';
import {
  clusterFlags,
  type Endpoint,
  type Endpoints,
  endpointsHelp,
  endpointsOf,
  registryNames,
} from '../cluster/endpoints.ts';
import type { Command, Output } from '../command.ts';
import { type ExitCode, RefusedError } from '../errors.ts';
import { imageDigests } from '../pull/pull-image.ts';
import { counted, table } from '../table.ts';
import { actionOf, positionalsOf } from './positionals.ts';

interface Call {
  readonly given: ParsedArguments;
  readonly output: Output;
  readonly endpoints: Endpoints;
  readonly agent: Endpoint;
  readonly positionals: readonly string[];
}

export const cache: Command = {
  name: 'cache',
  summary: "Lists, pins and removes what is in an agent's cache",
  parameters: 'ls | pin <digest|image> | unpin <digest|image> | rm <digest|image>',
  flags: clusterFlags,
  details: `Of the first agent, which must be on this machine. What is pinned is never evicted, also after a restart, and counts
against the quota of the cache; up to 85 % of it can be pinned. rm leaves the swarm of a blob at once, and refuses (3) one
that is pinned, that a client reads or that is being downloaded. An image stands for its manifests and blobs, of an index
those that are in the cache.

${endpointsHelp}`,

  async run(given, output) {
    const [action, ...positionals] = given.positionals;
    const perform = actionOf(actions, action);
    const endpoints = await endpointsOf(given);
    const [agent] = endpoints.agents;
    if (!agent) throw new Error('no agent is found; --agent names one');
    return perform({ given, output, endpoints, agent, positionals });
  },
};

const list = async ({ given, output, agent, positionals }: Call): Promise<ExitCode> => {
  positionalsOf(positionals, []);
  const { blobs, bytes, quotaBytes, pinnedBytes } = await listCache(agent.debug);
  if (given.has('json'))
    output.out(JSON.stringify({ agent: agent.url, bytes, quotaBytes, pinnedBytes, blobs }, undefined, 2));
  else
    output.out(
      [
        `${agent.url}: ${counted(blobs.length, 'blob')}, ${formatBytes(bytes)} of ${formatBytes(quotaBytes)}, ${formatBytes(pinnedBytes)} pinned`,
        ...(blobs.length > 0 ? table([['DIGEST', 'SIZE', 'HAVE', 'LAST USED', ''], ...blobs.map(rowOf)]) : []),
      ].join('\n'),
    );
  return 0;
};

const rowOf = ({ digest, size, have, pieces, complete, lastUsedMs, pinned, inUse }: CachedBlob): string[] => [
  digest,
  formatBytes(size),
  complete ? 'whole' : `${Math.floor((100 * have) / Math.max(1, pieces))} %`,
  new Date(lastUsedMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  [pinned ? 'pinned' : '', inUse ? 'in use' : ''].filter(Boolean).join(', '),
];

const change =
  (action: 'pin' | 'unpin' | 'remove') =>
  async (call: Call): Promise<ExitCode> => {
    const { given, output, agent } = call;
    const digests = await digestsOf(call);
    const results = await changeCache(agent.debug, action, digests);
    const kept =
      action === 'remove' ? results.filter(({ outcome }) => outcome === 'pinned' || outcome === 'in use') : [];
    if (kept.length > 0 && !results.some(({ outcome }) => outcome === 'removed'))
      throw new RefusedError(kept.map(({ digest, outcome }) => `${digest} is ${outcome}`).join('; '), insteadOf(kept));
    output.out(given.has('json') ? JSON.stringify({ agent: agent.url, results }, undefined, 2) : textOf(results));
    return kept.length > 0 ? 1 : 0;
  };

const insteadOf = (kept: readonly CacheOutcome[]): string[] => [
  ...(kept.some(({ outcome }) => outcome === 'pinned') ? ['Let go of it first: shoal cache unpin'] : []),
  ...(kept.some(({ outcome }) => outcome === 'in use') ? ['Try again when nobody reads or downloads it.'] : []),
];

const textOf = (results: readonly CacheOutcome[]): string => {
  const words = { unchanged: 'as before', absent: 'not in the cache' } as const;
  return table(
    results.map(({ digest, outcome }) => [digest, outcome in words ? words[outcome as keyof typeof words] : outcome]),
  ).join('\n');
};

/** A digest stands for itself, an image for what the agent has of it. */
const digestsOf = async ({ endpoints, agent, positionals }: Call): Promise<readonly string[]> => {
  const [raw] = positionalsOf(positionals, ['digest|image']);
  if (isDigest(raw)) return [raw];
  const image = parseImageName(raw, registryNames(endpoints));
  const wanted = await imageDigests(image, { registry: agent.url, headers: basicHeaders() });
  const there = new Set((await listCache(agent.debug)).blobs.map(({ digest }) => digest));
  const digests = wanted.filter((digest) => there.has(digest));
  if (digests.length === 0) throw new Error(`nothing of ${image.text} is in the cache of ${agent.url}`);
  return digests;
};

const actions = { ls: list, pin: change('pin'), unpin: change('unpin'), rm: change('remove') };
