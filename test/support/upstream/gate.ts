import type { IncomingMessage, ServerResponse } from 'node:http';

/** The bytes of one blob as an upstream sends them: what a test lets pass, and no byte more. For `FakeUpstream.misbehave`. */
export class BlobGate {
  /** The Range headers of requests, in order. */
  readonly ranges: (string | undefined)[] = [];
  readonly #digest: string;
  readonly #bytes: Uint8Array;
  readonly #sending = new Set<() => void>();
  #allowed = 0;

  constructor(digest: string, bytes: Uint8Array) {
    this.#digest = digest;
    this.#bytes = bytes;
  }

  /** Lets bytes up to this offset pass. */
  allow(offset: number): void {
    this.#allowed = offset;
    for (const send of [...this.#sending]) send();
  }

  readonly answer = (request: IncomingMessage, reply: ServerResponse, url: URL): boolean => {
    if (request.method !== 'GET' || !decodeURIComponent(url.pathname).endsWith(`/blobs/${this.#digest}`)) return false;
    const { range } = request.headers;
    this.ranges.push(range);
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const size = this.#bytes.length;
    reply.writeHead(range === undefined ? 200 : 206, {
      'content-length': size - start,
      ...(range !== undefined && { 'content-range': `bytes ${start}-${size - 1}/${size}` }),
    });
    reply.flushHeaders();
    let at = start;
    const send = (): void => {
      if (this.#allowed > at) reply.write(this.#bytes.subarray(at, this.#allowed));
      at = Math.max(at, this.#allowed);
      if (at === size) reply.end();
    };
    this.#sending.add(send);
    reply.once('close', () => this.#sending.delete(send));
    send();
    return true;
  };
}
