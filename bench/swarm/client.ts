import { createHash, type Hash } from 'node:crypto';
import { type Address, type Digest, formatAddress, KiB } from '@shoal/core';
import { connect } from 'node:net';
import { parseHead } from './http-head.ts';

/** What one client of one agent saw. Times in ms of `performance.now()`. */
export interface Pull {
  readonly startedMs: number;
  firstByteMs: number | undefined;
  /** Undefined until the last byte is there and the digest is right. */
  doneMs: number | undefined;
  receivedBytes: number;
  /** Requests after the first: the agent answered 503, or its body ended short. */
  retries: number;
  /** Why it was given up. */
  failure: string | undefined;
}

export interface PullOptions {
  readonly agent: Address;
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
  readonly signal: AbortSignal;
}

const attemptsMax = 10;

export const newPull = (): Pull => ({
  startedMs: performance.now(),
  firstByteMs: undefined,
  doneMs: undefined,
  receivedBytes: 0,
  retries: 0,
  failure: undefined,
});

/**
 * Takes the blob as a container runtime does: in order, through the agent's registry, going on by Range after a body that
 * ended short; hashes every byte. Never rejects: `pull.failure` says what was wrong.
 */
export const pullBlob = async (pull: Pull, options: PullOptions): Promise<void> => {
  const hash = createHash('sha256');
  try {
    while (pull.receivedBytes < options.size) {
      const problem = await request(pull, options, hash);
      if (pull.receivedBytes >= options.size) break;
      options.signal.throwIfAborted();
      if (pull.retries >= attemptsMax) throw new Error(`given up after ${attemptsMax} retries: ${problem}`);
      pull.retries++;
    }
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== options.digest) throw new Error(`the blob arrived as ${digest}`);
    pull.doneMs = performance.now();
  } catch (error) {
    pull.failure = error instanceof Error ? error.message : String(error);
  }
};

/** Into which all clients receive, one after the other: what arrived is hashed before the next read. */
const shared = Buffer.allocUnsafeSlow(256 * KiB);

/**
 * One request from where the pull stands, on a connection of its own; resolves when that ends, to what was wrong if the
 * body did not come whole. A thousand clients of node:http would take more CPU time than the agents they measure.
 */
const request = (pull: Pull, { agent, repository, digest, signal }: PullOptions, hash: Hash): Promise<string> => {
  const from = pull.receivedBytes;
  const { promise, resolve } = Promise.withResolvers<string>();
  let head: Buffer | undefined = Buffer.alloc(0);
  let problem = 'the connection ended before the body did';
  const body = (bytes: Uint8Array): boolean => {
    if (bytes.length === 0) return true;
    pull.firstByteMs ??= performance.now();
    hash.update(bytes);
    pull.receivedBytes += bytes.length;
    return true;
  };
  const receive = (count: number): boolean => {
    const bytes = shared.subarray(0, count);
    if (!head) return body(bytes);
    head = Buffer.concat([head, bytes]);
    const parsed = parseHead(head);
    if (!parsed) return true;
    const rest = head.subarray(parsed.length);
    head = undefined;
    if (parsed.status === (from > 0 ? 206 : 200)) return body(rest);
    problem = `the agent answered ${parsed.status}`;
    socket.destroy();
    return false;
  };
  const socket = connect({ ...agent, onread: { buffer: shared, callback: receive } });
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  socket.on('error', (error) => (problem = error.message));
  socket.on('close', () => {
    signal.removeEventListener('abort', abort);
    resolve(problem);
  });
  const range = from > 0 ? `range: bytes=${from}-\r\n` : '';
  const host = `host: ${formatAddress(agent)}\r\nconnection: close\r\n`;
  socket.write(`GET /v2/${repository}/blobs/${digest} HTTP/1.1\r\n${host}${range}\r\n`);
  return promise;
};
