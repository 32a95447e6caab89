import { getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { UpstreamError } from './upstream-error.ts';

export interface UpstreamDeadlines {
  /** Until a connection stands, TLS included. */
  readonly connectMs: number;
  /** Until the headers of an answer. */
  readonly answerMs: number;
  /** Between two parts of a body. */
  readonly stallMs: number;
}

export interface TransportOptions {
  /** The registry's address; its host is the only one that `insecure` is about. */
  readonly url: URL;
  /** PEM certificates trusted besides the system's. */
  readonly ca?: Uint8Array | undefined;
  /** Plain HTTP and certificates that cannot be verified are accepted. */
  readonly insecure: boolean;
  readonly deadlines: UpstreamDeadlines;
  /** An HTTP proxy that everything goes through; it may hold a login. */
  readonly proxy?: string | undefined;
}

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export type WireAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

const connectionsMax = 64;
const headerBytesMax = 64 * 1024;

/** Single HTTP requests to one upstream and whom it refers to: its token server, its object storage. Follows nothing. */
export class UpstreamTransport {
  readonly #options: TransportOptions;
  /** By whether certificates have to verify. */
  readonly #dispatchers = new Map<boolean, Dispatcher>();
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Whether a URL that the upstream names may be asked: HTTPS, or HTTP when the upstream was configured as insecure. Every
   * other scheme is refused, and a login in the URL.
   */
  allows(url: URL): boolean {
    const secure = url.protocol === 'https:' || (this.#options.insecure && url.protocol === 'http:');
    return secure && url.username === '' && url.password === '';
  }

  /** @throws UpstreamError `unreachable`; the signal's reason */
  async send({ url, signal, body, ...rest }: WireRequest): Promise<WireAnswer> {
    // Loaded when a registry is asked: most nodes never ask one.
    const undici = await import('undici');
    signal.throwIfAborted();
    if (this.#closed) throw brokenConnection(url, new Error('the transport is closed'));
    const verify = !this.#options.insecure || url.host !== this.#options.url.host;
    try {
      return await undici.request(url, {
        ...rest,
        ...(body !== undefined && { body }),
        signal,
        dispatcher: this.#dispatcher(undici, verify),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw brokenConnection(url, error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  #dispatcher(undici: typeof import('undici'), verify: boolean): Dispatcher {
    const dispatcher = this.#dispatchers.get(verify) ?? this.#connect(undici, verify);
    this.#dispatchers.set(verify, dispatcher);
    return dispatcher;
  }

  #connect({ Agent, ProxyAgent }: typeof import('undici'), verify: boolean): Dispatcher {
    const { ca, deadlines, proxy } = this.#options;
    const tls = {
      rejectUnauthorized: verify,
      ...(ca && { ca: [...getCACertificates('default'), Buffer.from(ca).toString()] }),
    };
    const options = {
      connections: connectionsMax,
      headersTimeout: deadlines.answerMs,
      bodyTimeout: deadlines.stallMs,
      maxHeaderSize: headerBytesMax,
    };
    if (proxy === undefined) return new Agent({ ...options, connect: { ...tls, timeout: deadlines.connectMs } });
    return new ProxyAgent({ ...options, uri: proxy, requestTls: tls, connectTimeout: deadlines.connectMs });
  }
}

/** Only host and code: the query of a URL of object storage is a credential. */
export const brokenConnection = (url: URL, cause: unknown): UpstreamError => {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new UpstreamError('unreachable', `${url.host}: ${code ?? message}`, { cause });
};

/** The whole body of an answer. @throws UpstreamError `invalid` when it is larger than `bytesMax`, `unreachable` when it ends short */
export const readBody = async (url: URL, { body }: WireAnswer, bytesMax: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bytesMax)
        throw new UpstreamError('invalid', `${url.host}: the answer is larger than ${bytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof UpstreamError ? error : brokenConnection(url, error);
  }
  return Buffer.concat(chunks, size);
};

/** Lets the connection be used again, unless the body is a long one. */
export const dropBody = async ({ body }: WireAnswer): Promise<void> => {
  await body.dump({ limit: 64 * 1024 }).catch(() => {});
};
