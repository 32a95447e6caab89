import { type ImageName, parseDurationMs, parseImageName } from '@shoal/core';
import { ClusterAnswerError } from '@shoal/service/client';
import { ClusterClient } from '../cluster/ask.ts';
import { clusterFlags, type Endpoints, endpointsHelp, endpointsOf, registryNames } from '../cluster/endpoints.ts';
import { endedWell, type JobState, jobText, type Waiting, waitForJob } from '../cluster/jobs.ts';
import { askOrigin } from '../cluster/origin-control.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { counted, printable } from '../table.ts';
import { positionalsOf } from './positionals.ts';

/** Digests of one request to a tracker: services/tracker/src/preheat/schema.ts. */
const digestsMax = 256;

/** As an origin answers: services/origin/src/manifest/removal.ts, Removed. */
interface Removed {
  readonly origin: string;
  readonly digest: string;
  readonly tags: readonly string[];
  readonly manifests: readonly string[];
  readonly unreached: readonly string[];
}

export const rm: Command = {
  name: 'rm',
  summary: 'Removes a tag or an image at the origins, and with --purge from the caches of the nodes',
  parameters: '<image>',
  flags: {
    ...clusterFlags,
    image: { help: 'of a tag: the image that it means as well, with all its tags' },
    purge: { help: 'let nodes drop what nothing else uses from their caches' },
    nodes: { value: 'SELECTOR', help: 'with --purge: which nodes, as for preheat (default all)' },
    wait: { help: 'with --purge: until all nodes have done it' },
    timeout: { value: 'DURATION', help: 'how long --wait waits (default 10m)' },
  },
  details: `\`team/app:1\` removes that tag alone: the image can still be pulled by its digest. \`team/app:1 --image\` and
\`team/app@sha256:...\` remove the image and every tag of it, of an index also the images that nothing else names. Blobs
take space at an origin until \`shoal gc\`. A node drops a blob when nobody reads it; one that is pinned stays.

${endpointsHelp}
SHOAL_USERNAME and SHOAL_PASSWORD are sent where there is no cluster secret.`,

  async run(given, output) {
    const [raw] = positionalsOf(given.positionals, ['image']);
    const timeoutMs = parseDurationMs(given.value('timeout') ?? '10m', '--timeout');
    const endpoints = await endpointsOf(given);
    const image = parseImageName(raw, registryNames(endpoints));
    const whole = image.reference.kind === 'digest' || given.has('image');
    if (given.has('purge') && !whole)
      throw new UsageError(`--purge: ${image.text} is a tag, and its image stays; allowed is --purge with --image`);
    const client = new ClusterClient(endpoints);
    const removed = await removeAt(endpoints.origins, client, image, whole);
    const waiting: Waiting = {
      trackers: endpoints.trackers.map(({ url }) => url),
      timeoutMs,
      silent: given.has('json'),
    };
    const purges: JobState[] = [];
    for (const digests of given.has('purge') ? chunksOf(removed.flatMap(({ unreached }) => unreached)) : []) {
      const json = { digests, ...(given.has('nodes') && { nodes: given.value('nodes') }) };
      const job = await client.json<JobState>(waiting.trackers, '/shoal/v1/purges', { json });
      purges.push(given.has('wait') ? await waitForJob(client, job, waiting) : job);
    }
    const texts = [
      ...removed.map((one) => textOf(image, one)),
      ...purges.map((job) => jobText('dropping from caches', job)),
    ];
    output.out(
      given.has('json') ? JSON.stringify({ image: image.text, removed, purges }, undefined, 2) : texts.join('\n'),
    );
    return purges.every((job) => endedWell(job, given.has('wait'))) ? 0 : 1;
  },
};

/** At every origin that has it. @throws the error of the first origin when none has */
const removeAt = async (
  origins: Endpoints['origins'],
  client: ClusterClient,
  { repository, reference }: ImageName,
  whole: boolean,
): Promise<Removed[]> => {
  const text = reference.kind === 'tag' ? reference.tag : reference.digest;
  const removed: Removed[] = [];
  let unknown: unknown;
  for (const { url } of origins) {
    try {
      const path = `repositories/${repository}/manifests/${text}${whole ? '?whole=true' : ''}`;
      const answer = await askOrigin<Removed>(client, url, path, { method: 'DELETE' });
      removed.push({ ...answer, origin: url });
    } catch (error) {
      if (!(error instanceof ClusterAnswerError && error.answerStatus === 404)) throw error;
      unknown ??= error;
    }
  }
  if (removed.length === 0) throw unknown;
  return removed;
};

const chunksOf = (digests: readonly string[]): string[][] => {
  const all = [...new Set(digests)];
  return Array.from({ length: Math.ceil(all.length / digestsMax) }, (_, index) =>
    all.slice(index * digestsMax, (index + 1) * digestsMax),
  );
};

const textOf = ({ repository }: ImageName, { origin, digest, tags, manifests, unreached }: Removed): string => {
  const named = tags.length === 0 ? 'no tags' : `${tags.length === 1 ? 'the tag' : 'the tags'} ${tags.join(', ')}`;
  return printable(
    manifests.length === 0
      ? `${origin}: removed ${named} of ${repository}; the image stays as ${repository}@${digest}`
      : `${origin}: removed ${repository}@${digest} with ${named} (${counted(manifests.length, 'manifest')}); of its manifests and blobs ${unreached.length} are used by nothing else (\`shoal gc\` frees the space)`,
  );
};
