import type { Digest } from '@shoal/core';
import type { Answer, RegistryClient } from '../../services/origin/src/testing/registry-client.ts';

/** Pushes a blob in one of the ways that the specification has. @returns the answer that ends the upload */
export type Push = (client: RegistryClient, repository: string, bytes: Buffer, digest: Digest) => Promise<Answer>;

const octets = { 'content-type': 'application/octet-stream' };

const chunk = (client: RegistryClient, location: string, bytes: Buffer, [from, to]: readonly [number, number]) =>
  client.call('PATCH', location, {
    body: bytes.subarray(from, to),
    headers: { ...octets, 'content-range': `${from}-${to - 1}` },
  });

/** Sends the bytes between each two offsets; each chunk goes where the answer to the one before says. */
const inChunks = async (client: RegistryClient, location: string, bytes: Buffer, offsets: readonly number[]) => {
  let next = location;
  for (const [index, to] of offsets.slice(1).entries()) {
    const { status, headers } = await chunk(client, next, bytes, [offsets[index] ?? 0, to]);
    if (status !== 202 || headers['range'] !== `0-${to - 1}`) throw new Error(`chunk: ${status}, ${headers['range']}`);
    next = String(headers['location']);
  }
  return next;
};

const thirds = ({ length }: Buffer): readonly [number, number, number, number] => {
  const third = Math.ceil(length / 3);
  return [0, third, 2 * third, length];
};

const put = (client: RegistryClient, location: string, digest: Digest, body?: Buffer, headers = {}) =>
  client.call('PUT', location, { query: { digest }, headers: { ...octets, ...headers }, ...(body && { body }) });

export const pushes: Readonly<Record<string, Push>> = {
  'POST alone': (client, repository, body, digest) =>
    client.call('POST', `/v2/${repository}/blobs/uploads/`, { query: { digest }, body, headers: octets }),
  'POST and PUT': async (client, repository, bytes, digest) =>
    put(client, await client.startUpload(repository), digest, bytes),
  'one chunk': async (client, repository, bytes, digest) =>
    put(client, await inChunks(client, await client.startUpload(repository), bytes, [0, bytes.length]), digest),
  'three chunks': async (client, repository, bytes, digest) =>
    put(client, await inChunks(client, await client.startUpload(repository), bytes, thirds(bytes)), digest),
  'three chunks, the last with PUT': async (client, repository, bytes, digest) => {
    const [start, one, two, end] = thirds(bytes);
    const location = await inChunks(client, await client.startUpload(repository), bytes, [start, one, two]);
    return put(client, location, digest, bytes.subarray(two), { 'content-range': `${two}-${end - 1}` });
  },
  'a stream': async (client, repository, bytes, digest) => {
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 100);
      yield bytes.subarray(100);
    };
    const location = await client.startUpload(repository);
    const { headers } = await client.call('PATCH', location, { body: parts(), headers: octets });
    return put(client, String(headers['location']), digest);
  },
  'a chunk out of order, and then as the registry says': async (client, repository, bytes, digest) => {
    const [start, one, two, end] = thirds(bytes);
    const location = await client.startUpload(repository);
    const early = await chunk(client, location, bytes, [one, two]);
    const nothing = await client.call('GET', location);
    const then = await inChunks(client, location, bytes, [start, one]);
    const late = await chunk(client, then, bytes, [two, end]);
    const { status, headers } = await client.call('GET', then);
    if (early.status !== 416 || late.status !== 416) throw new Error(`out of order: ${early.status}, ${late.status}`);
    if (!/^0-\d+$/.test(String(nothing.headers['range']))) throw new Error(`Range: ${nothing.headers['range']}`);
    if (status !== 204 || headers['range'] !== `0-${one - 1}`) throw new Error(`${status}, ${headers['range']}`);
    return put(client, await inChunks(client, String(headers['location']), bytes, [one, two, end]), digest);
  },
};
