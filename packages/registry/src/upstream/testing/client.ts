import { readFileSync } from 'node:fs';
import { parseDigest, parseManifestReference, parseRepositoryName } from '@shoal/core';
import { type FakeUpstream } from '../../../../../test/support/upstream/fake-upstream.ts';
import { testCertificateFile } from '../../../../../test/support/upstream/http-side.ts';
import { type Credential, type CredentialSource, fixedCredential } from '../credentials.ts';
import { Endpoint } from '../endpoint.ts';
import type { RateLimit } from '../rate-limit.ts';
import { Upstream } from '../upstream.ts';

export const name = parseRepositoryName;
export const reference = parseManifestReference;
export const digest = parseDigest;
export const forever = new AbortController().signal;

export interface TestClient extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly limits: RateLimit[];
  readonly time: { nowMs: number };
}

export interface ClientOptions {
  readonly credential?: Credential;
  readonly credentials?: CredentialSource;
  readonly insecure?: boolean;
  readonly ca?: boolean;
  readonly manifestBytesMax?: number;
  readonly mirrors?: readonly string[];
  readonly proxy?: string;
}

/** A client of a fake upstream, with a clock of its own. */
export const clientOf = ({ url }: Pick<FakeUpstream, 'url'>, options: ClientOptions = {}): TestClient => {
  const {
    credential,
    credentials = fixedCredential(credential),
    insecure = url.startsWith('http:'),
    mirrors = [],
  } = options;
  const limits: RateLimit[] = [];
  const time = { nowMs: 0 };
  const clock = (): number => time.nowMs;
  const endpoints = [...mirrors, url].map(
    (address) =>
      new Endpoint({
        url: new URL(address),
        credentials,
        insecure,
        ...(options.ca === true && { ca: readFileSync(testCertificateFile) }),
        proxy: options.proxy,
        deadlines: { connectMs: 2000, answerMs: 2000, stallMs: 2000 },
        clock,
        events: { answered: () => {}, rateLimit: (limit) => void limits.push(limit) },
      }),
  );
  const upstream = new Upstream({
    endpoints,
    manifestBytesMax: options.manifestBytesMax ?? 4 * 1024 * 1024,
    deadlineMs: 5000,
    hurriedMs: 2000,
    clock,
  });
  return { upstream, limits, time, [Symbol.asyncDispose]: () => upstream.close() };
};

export const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
};
