import { KiB, OciError, ShoalError } from '@shoal/core';
import { tokenPath } from '@shoal/registry';
import { readBytes, request as send } from '@shoal/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';

/** A form holds a name, a password and a few scopes; an answer a token. */
const formBytesMax = 16 * KiB;
const answerBytesMax = 64 * KiB;

export interface TokenRelayOptions {
  /** URLs of the origins, asked in turn. */
  readonly origins: readonly string[];
  readonly deadlineMs: number;
  readonly pool: Dispatcher;
}

/**
 * Clients of an agent may not reach the origin, which gives the tokens for its own repositories: requests for them are
 * passed on to it, credentials and all, and its answer comes back as it is. Nothing of either is kept.
 */
export const registerTokenRelay = (app: FastifyInstance, options: TokenRelayOptions): void => {
  app.route({
    method: ['GET', 'POST'],
    url: tokenPath,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const body = request.method === 'POST' ? await formOf(request) : undefined;
      const query = (request.raw.url ?? '').slice(tokenPath.length);
      const answer = await ask(options, query, request, body);
      const { 'content-type': type = 'application/json', 'www-authenticate': challenges } = answer.headers;
      if (challenges !== undefined) void reply.header('www-authenticate', [challenges].flat());
      return reply
        .code(answer.status)
        .headers({ 'content-type': type, 'cache-control': 'no-store' })
        .send(answer.bytes) satisfies FastifyReply;
    },
  });
};

/** The challenge with the token endpoint of one of `origins` replaced by the one that passes on to it. */
export const passedOnHere = (challenge: string, origins: readonly string[], reachedAt: string): string =>
  origins.reduce(
    (text, origin) => text.replace(`realm="${origin}${tokenPath}"`, `realm="${reachedAt}${tokenPath}"`),
    challenge,
  );

const ask = async (
  { origins, deadlineMs, pool }: TokenRelayOptions,
  query: string,
  { method, headers }: FastifyRequest,
  body: Uint8Array | undefined,
) => {
  const { authorization, 'content-type': type } = headers;
  const passed = { ...(authorization && { authorization }), ...(type !== undefined && { 'content-type': type }) };
  const signal = AbortSignal.timeout(deadlineMs);
  for (const origin of origins) {
    try {
      const answer = await send(`${origin}${tokenPath}${query}`, {
        method: method as 'GET' | 'POST',
        headers: passed,
        signal,
        dispatcher: pool,
        ...(body && { body }),
      });
      const bytes = await readBytes({ ...answer, status: answer.statusCode }, answerBytesMax);
      if (answer.statusCode < 500) return { status: answer.statusCode, headers: answer.headers, bytes };
    } catch {
      // The next origin may answer; what an error quotes of the request stays unsaid.
    }
  }
  throw new ShoalError('UNAVAILABLE', 503, 'no origin answered the request for a token');
};

const formOf = async ({ raw }: FastifyRequest): Promise<Uint8Array> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > formBytesMax)
      throw new OciError('SIZE_INVALID', `body: allowed are ${formBytesMax} bytes`, { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
