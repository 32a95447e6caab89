import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { HttpSide, sendJson } from './http-side.ts';

/** Object storage behind a registry: presigned URLs that expire, and 400 for whoever brings an Authorization header. */
export class Storage implements AsyncDisposable {
  /** Requests that carried an Authorization header. */
  authorizationSeen = 0;
  /** Bodies that still break off after so many bytes, in turn. */
  truncations: number[] = [];
  readonly log: { readonly key: string; readonly range: string | undefined }[] = [];
  readonly #signed = new Map<string, { readonly key: string; readonly bytes: Uint8Array }>();
  #side!: HttpSide;

  static async start(tls: boolean): Promise<Storage> {
    const storage = new Storage();
    storage.#side = await HttpSide.start(tls, (request, reply, url) => {
      const { authorization, range } = request.headers;
      if (authorization !== undefined) {
        storage.authorizationSeen++;
        return sendJson(reply, 400, { message: 'Only one auth mechanism allowed' });
      }
      const signature = url.searchParams.get('signature') ?? '';
      const object = storage.#signed.get(signature);
      if (!object) return sendJson(reply, 403, { message: 'Request has expired' });
      // One use each: whoever resumes has to ask the registry again.
      storage.#signed.delete(signature);
      storage.log.push({ key: object.key, range });
      sendBytes(reply, object.bytes, range, storage.truncations.shift());
    });
    return storage;
  }

  presigned(key: string, bytes: Uint8Array): string {
    const signature = randomBytes(12).toString('hex');
    this.#signed.set(signature, { key, bytes });
    return `${this.#side.url}/${key}?signature=${signature}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#side[Symbol.asyncDispose]();
  }
}

/** The whole or a range; with `truncateAfter` the connection breaks after so many bytes of it. */
export const sendBytes = (
  reply: ServerResponse,
  bytes: Uint8Array,
  range: string | undefined,
  truncateAfter: number | undefined,
): void => {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const part = bytes.subarray(start);
  reply.writeHead(range === undefined ? 200 : 206, {
    'content-length': part.length,
    'content-type': 'application/octet-stream',
    ...(range !== undefined && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (truncateAfter === undefined || truncateAfter >= part.length) return void reply.end(part);
  reply.write(part.subarray(0, truncateAfter), () => reply.destroy());
};
