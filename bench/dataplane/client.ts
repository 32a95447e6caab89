/** The client as a process of its own: takes a Job by IPC, answers with what it saw. */
import { HttpConnection } from './http-connection.ts';

export type Job =
  /** Every connection fetches `path` once, all at the same time. */
  | { readonly kind: 'fetch'; readonly base: string; readonly path: string; readonly connections: number }
  /** `count` requests over the paths in turn, shared by `connections`. */
  | {
      readonly kind: 'repeat';
      readonly base: string;
      readonly paths: readonly string[];
      readonly count: number;
      readonly connections: number;
    }
  /** A whole blob by the OCI API: POST, then one PUT. */
  | {
      readonly kind: 'push';
      readonly base: string;
      readonly repository: string;
      readonly file: string;
      readonly size: number;
      readonly digest: string;
    };

export interface JobResult {
  readonly seconds: number;
  readonly bytes: number;
  /** Of each request, in milliseconds: to the first byte of its body, and to the last. */
  readonly firstByteMs: readonly number[];
  readonly wholeMs: readonly number[];
}

const run = async (job: Job): Promise<JobResult> => {
  const base = new URL(job.base);
  const count = job.kind === 'push' ? 1 : job.connections;
  const connections = await Promise.all(Array.from({ length: count }, () => new HttpConnection(base).opened()));
  const seen = { bytes: 0, firstByteMs: [] as number[], wholeMs: [] as number[] };
  const get = async (connection: HttpConnection, path: string): Promise<void> => {
    const startMs = performance.now();
    const { bytes, firstByteMs } = await connection.request('GET', path);
    seen.bytes += bytes;
    seen.firstByteMs.push(firstByteMs);
    seen.wholeMs.push(performance.now() - startMs);
  };
  const startMs = performance.now();
  if (job.kind === 'push') seen.bytes = await push(connections[0]!, job);
  else if (job.kind === 'fetch') await Promise.all(connections.map((connection) => get(connection, job.path)));
  else {
    let next = 0;
    await Promise.all(
      connections.map(async (connection) => {
        while (next < job.count) await get(connection, job.paths[next++ % job.paths.length]!);
      }),
    );
  }
  const seconds = (performance.now() - startMs) / 1000;
  for (const connection of connections) connection.close();
  return { seconds, ...seen };
};

const push = async (
  connection: HttpConnection,
  { base, repository, file, size, digest }: Extract<Job, { kind: 'push' }>,
): Promise<number> => {
  const begun = await connection.request('POST', `/v2/${repository}/blobs/uploads/`, { 'content-length': '0' });
  const location = new URL(begun.headers['location']!, base);
  location.searchParams.set('digest', digest);
  const headers = { 'content-length': String(size), 'content-type': 'application/octet-stream' };
  const { status } = await connection.request('PUT', `${location.pathname}${location.search}`, headers, file);
  if (status !== 201) throw new Error(`push: status ${status}`);
  return size;
};

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String((error as Error).stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit());
