import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { formatBytes, parseDigest, parseRepositoryName } from '@shoal/core';
import { clusterFetch, readBytes } from '@shoal/service/client';
import { Agent } from 'undici';
import type { ParsedArguments } from '../arguments.ts';
import { ClusterClient } from '../cluster/ask.ts';
import { basicHeaders } from '../cluster/credentials.ts';
import { clusterFlags, type Endpoints, endpointsHelp, endpointsOf } from '../cluster/endpoints.ts';
import type { Command, Output } from '../command.ts';
import { UsageError } from '../errors.ts';
import { AnswerError, streamBlob } from '../pull/blob-stream.ts';
import { progressOn } from '../pull/progress.ts';
import { table } from '../table.ts';
import { actionOf, positionalsOf } from './positionals.ts';

/** A stored blob of any size is acknowledged only when it is on the medium. */
const uploadTimeoutMs = 600_000;

interface Call {
  readonly given: ParsedArguments;
  readonly output: Output;
  readonly endpoints: Endpoints;
  readonly positionals: readonly string[];
}

export const blob: Command = {
  name: 'blob',
  summary: 'Stores, fetches and describes blobs that are no images',
  parameters: 'put <namespace> <file> | get <namespace> <digest> | stat <namespace> <digest>',
  flags: { ...clusterFlags, output: { value: 'FILE', help: 'get: where the bytes go (default standard output)' } },
  details: `put stores a file at the first origin and prints its digest; get fetches a blob through the first agent and verifies it
(a file is there only when it is right); stat says how large it is and which nodes have it.

${endpointsHelp}
SHOAL_USERNAME and SHOAL_PASSWORD are sent where the origin asks for credentials.`,

  async run(given, output) {
    const [action, ...positionals] = given.positionals;
    const perform = actionOf(actions, action);
    await perform({ given, output, positionals, endpoints: await endpointsOf(given) });
    return 0;
  },
};

const put = async ({ given, output, endpoints, positionals }: Call): Promise<void> => {
  const [rawNamespace, file] = positionalsOf(positionals, ['namespace', 'file']);
  const namespace = parseRepositoryName(rawNamespace);
  const { size } = await stat(file);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  const progress = progressOn(process.stderr, !given.has('json'));
  const line = progress.begin(digest, size);
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      line.add(chunk.length);
      done(null, chunk);
    },
  });
  const url = `${endpoints.origins[0]?.url}/shoal/v1/namespaces/${namespace}/blobs/${digest}`;
  const { auth } = new ClusterClient(endpoints);
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    ...(auth.enabled ? {} : basicHeaders()),
  };
  const body = createReadStream(file)
    .on('error', (error) => counted.destroy(error))
    .pipe(counted);
  const answer = await clusterFetch(auth, url, { method: 'PUT', headers, body, timeoutMs: uploadTimeoutMs });
  const text = (await readBytes(answer, 64 * 1024)).toString('utf8');
  progress.stop();
  if (answer.status !== 201) throw new AnswerError(url, answer.status, text);
  output.out(given.has('json') ? JSON.stringify({ namespace, digest, size }, undefined, 2) : digest);
};

const get = async ({ given, output, endpoints, positionals }: Call): Promise<void> => {
  const [rawNamespace, rawDigest] = positionalsOf(positionals, ['namespace', 'digest']);
  const [namespace, digest] = [parseRepositoryName(rawNamespace), parseDigest(rawDigest)];
  const file = given.value('output');
  if (file === undefined && given.has('json'))
    throw new UsageError('--json is allowed with --output only: standard output holds the blob');
  const url = `${endpoints.agents[0]?.url}/shoal/v1/namespaces/${namespace}/blobs/${digest}`;
  const progress = progressOn(process.stderr, file !== undefined && !given.has('json'));
  const partial = `${file}.shoal-partial`;
  const sink = file === undefined ? process.stdout : createWriteStream(partial);
  const pool = new Agent();
  let line: { add(bytes: number): void } | undefined;
  try {
    const size = await streamBlob(url, digest, {
      headers: basicHeaders(),
      pool,
      chunk: async (bytes, total) => {
        line ??= progress.begin(digest, total);
        line.add(bytes.length);
        if (!sink.write(bytes)) await once(sink, 'drain');
      },
    });
    if (file === undefined) return;
    sink.end();
    await finished(sink);
    await rename(partial, file);
    output.out(
      given.has('json')
        ? JSON.stringify({ namespace, digest, size, file }, undefined, 2)
        : `${file}: ${formatBytes(size)}, digest verified`,
    );
  } catch (error) {
    if (file !== undefined) await rm(partial, { force: true });
    throw error;
  } finally {
    progress.stop();
    await pool.destroy();
  }
};

interface Lookup {
  readonly swarms: readonly {
    readonly peers: readonly { readonly address: string; readonly role: string; readonly complete: boolean }[];
  }[];
}

const describe = async ({ given, output, endpoints, positionals }: Call): Promise<void> => {
  const [rawNamespace, rawDigest] = positionalsOf(positionals, ['namespace', 'digest']);
  const [namespace, digest] = [parseRepositoryName(rawNamespace), parseDigest(rawDigest)];
  const url = `${endpoints.agents[0]?.url}/shoal/v1/namespaces/${namespace}/blobs/${digest}`;
  const head = await fetch(url, { method: 'HEAD', headers: basicHeaders(), signal: AbortSignal.timeout(30_000) });
  if (head.status !== 200) throw new AnswerError(url, head.status, '');
  const size = Number(head.headers.get('content-length'));
  const trackers = endpoints.trackers.map((tracker) => tracker.url);
  const json = { digest, want: 50 };
  const { swarms } = await new ClusterClient(endpoints).json<Lookup>(trackers, '/shoal/v1/lookup', { json });
  const holders = swarms.flatMap(({ peers }) => peers);
  if (given.has('json')) return output.out(JSON.stringify({ namespace, digest, size, holders }, undefined, 2));
  const rows = holders.map(({ address, role, complete }) => [`  ${address}`, role, complete ? 'whole' : 'part']);
  output.out(
    [
      `${digest}  ${formatBytes(size)}`,
      holders.length === 0 ? 'no node has announced it' : 'NODES THAT HAVE IT',
      ...table(rows),
    ].join('\n'),
  );
};

const actions = { put, get, stat: describe };
