import type { Answer } from './proxy/http-proxy.ts';
import { sendJson } from '../support/upstream/http-side.ts';
import type { TokenServer } from '../support/upstream/token-server.ts';

export interface TokenGate {
  /** Whether the registry behind wants a token of its user for every repository. */
  demanded: boolean;
  /** Requests that were sent to the token server. */
  challenges: number;
  readonly answer: Answer;
}

/** The challenge of a registry with a token server, in front of one that has none. */
export const tokenGate = (tokens: TokenServer): TokenGate => {
  const gate = { demanded: false, challenges: 0 };
  const answer: Answer = (request, reply) => {
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(request.url ?? '')?.[1] ?? '';
    if (!gate.demanded || tokens.admits(request.headers.authorization, repository, true)) return false;
    gate.challenges++;
    const scope = repository === '' ? '' : `,scope="repository:${repository}:pull"`;
    const challenge = `Bearer realm="${tokens.realm}",service="clients"${scope}`;
    sendJson(reply, 401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': challenge });
    return true;
  };
  return Object.assign(gate, { answer });
};
