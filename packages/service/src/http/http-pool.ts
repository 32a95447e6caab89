/**
 * Of undici what asking over HTTP/1.1 needs. Its index loads all the rest as well (fetch, WebSocket, caches, mocks), which an
 * idle agent would keep: 5 MB.
 */
import { createRequire } from 'node:module';
import type undici from 'undici';
import type { Dispatcher } from 'undici';

const require = createRequire(import.meta.url);

/** Keeps connections open and shares them. */
export const HttpPool = require('undici/lib/dispatcher/agent.js') as typeof undici.Agent;
export type HttpPool = undici.Agent;

const requestBy = require('undici/lib/api/api-request.js') as (
  this: Dispatcher,
  options: Dispatcher.RequestOptions,
) => Promise<Dispatcher.ResponseData>;

const { getGlobalDispatcher } = require('undici/lib/global.js') as Pick<typeof undici, 'getGlobalDispatcher'>;

export type HttpRequestOptions = Partial<Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'body'>> & {
  readonly body?: Dispatcher.RequestOptions['body'];
  /** undici's own by default. */
  readonly dispatcher?: Dispatcher;
};

/** undici's `request`: a GET unless another method is given; nothing is followed. */
export const request = (
  url: string | URL,
  { dispatcher = getGlobalDispatcher(), method = 'GET', body = null, ...options }: HttpRequestOptions,
): Promise<Dispatcher.ResponseData> => {
  const { origin, pathname, search } = typeof url === 'string' ? new URL(url) : url;
  return requestBy.call(dispatcher, { ...options, method, body, origin, path: `${pathname}${search}` });
};
