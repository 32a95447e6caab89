import { createHash, randomBytes } from 'node:crypto';
import { writeBlobFile } from './blob-file.ts';
import { blobPath, percentile, repository, type Round } from './round.ts';

const blobCount = 50;
const manifestBytes = 10_000;
const warmRequests = 10_000;
const warmConnections = 16;

/** Latency of a 1-byte blob and of a 10 KB manifest, cold and warm, and requests a second of one agent. */
export const small = async (round: Round): Promise<void> => {
  const blobs = await pushTinyBlobs(round);
  await cold(round, 'one-byte-cold', blobs.map(blobPath));
  await warm(round, 'one-byte-warm', blobPath(blobs[0]!));
  const manifests = await pushManifests(round, blobs[0]!);
  await cold(
    round,
    'manifest-cold',
    manifests.map(({ tag }) => `/v2/${repository}/manifests/${tag}`),
  );
  await warm(round, 'manifest-by-digest-warm', `/v2/${repository}/manifests/${manifests[0]!.digest}`);
  await warm(round, 'manifest-by-tag-warm', `/v2/${repository}/manifests/${manifests[0]!.tag}`);
};

const cold = async ({ figures, client, cluster: { agent } }: Round, name: string, paths: readonly string[]) => {
  const base = agent.url('registry');
  const { wholeMs } = await client.run({ kind: 'repeat', base, paths, count: paths.length, connections: 1 });
  figures.add(`${name}.p50.ms`, percentile(wholeMs, 0.5));
  figures.add(`${name}.p99.ms`, percentile(wholeMs, 0.99));
};

/** Latency over one connection, and throughput over several at once. */
const warm = async ({ figures, client, cluster: { agent } }: Round, name: string, path: string) => {
  const job = { kind: 'repeat', base: agent.url('registry'), paths: [path] } as const;
  const { wholeMs } = await client.run({ ...job, count: warmRequests / 10, connections: 1 });
  figures.add(`${name}.p50.ms`, percentile(wholeMs, 0.5));
  const { seconds } = await client.run({ ...job, count: warmRequests, connections: warmConnections });
  figures.add(`${name}.rps`, warmRequests / seconds);
};

/** As small as blobs can be and yet differ from those of the round before: 8 bytes for 1. */
const pushTinyBlobs = async ({ client, cluster: { origin, folder } }: Round): Promise<string[]> => {
  const digests: string[] = [];
  for (let index = 0; index < blobCount; index++) {
    const { path: file, size, digest } = writeBlobFile(`${folder}/tiny`, 8);
    await client.run({ kind: 'push', base: origin.url('registry'), repository, file, size, digest });
    digests.push(digest);
  }
  return digests;
};

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

const pushManifests = async ({ cluster: { origin } }: Round, config: string) => {
  const stamp = randomBytes(8).toString('hex');
  const pushed: { tag: string; digest: string }[] = [];
  for (let index = 0; index < blobCount; index++) {
    const tag = `t-${stamp}-${index}`;
    const descriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 8 };
    const manifest = { schemaVersion: 2, mediaType, config: descriptor, layers: [], annotations: { tag, filler: '' } };
    manifest.annotations.filler = 'x'.repeat(manifestBytes - JSON.stringify(manifest).length);
    const body = JSON.stringify(manifest);
    const url = `${origin.url('registry')}/v2/${repository}/manifests/${tag}`;
    const { status } = await fetch(url, { method: 'PUT', body, headers: { 'content-type': mediaType } });
    if (status !== 201) throw new Error(`manifest: status ${status}`);
    pushed.push({ tag, digest: `sha256:${createHash('sha256').update(body).digest('hex')}` });
  }
  return pushed;
};
