import { clusterFetchJson } from '@shoal/service/client';
import { type ClusterClient, saying } from './ask.ts';
import { basicHeaders } from './credentials.ts';

const timeoutMs = 120_000;

/**
 * A question to the control API of an origin that is for who may push: signed with the cluster secret where there is one,
 * else with the credentials of the environment. @throws ClusterAnswerError, ClusterAuthError, or why it could not be reached
 */
export const askOrigin = async <T>(
  { auth }: Pick<ClusterClient, 'auth'>,
  url: string,
  path: string,
  o: { readonly method?: 'DELETE'; readonly json?: object } = {},
): Promise<T> =>
  (await clusterFetchJson(auth, `${url}/shoal/v1/${path}`, {
    ...o,
    timeoutMs,
    headers: auth.enabled ? {} : basicHeaders(),
  }).catch((error: unknown) => {
    throw saying(error, [url]);
  })) as T;
