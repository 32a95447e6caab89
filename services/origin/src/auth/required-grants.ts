import { parseRegistryRoute, queryOf } from '@shoal/registry';
import type { FastifyRequest } from 'fastify';
import { type Action, type Grant, grantsOf } from './scope.ts';

/**
 * What a request to the registry API has to be allowed. Nothing for `/v2/` and for a path that names no repository:
 * the one wants any login, the other is answered with an error of its own.
 */
export const requiredGrants = (request: FastifyRequest): Grant[] => {
  const route = routeOf(request);
  if (!route || route.kind === 'base') return [];
  const { method } = request;
  // An upload that is given up was begun by who may push.
  const actions = actionsOf(method === 'DELETE' && route.kind === 'upload' ? 'PATCH' : method);
  const from = method === 'POST' && queryOf(request).get('mount') !== null ? queryOf(request).get('from') : null;
  return [...grantsOf(route.repository, actions), ...grantsOf(from ?? '', ['pull'])];
};

/** Clients ask for what the challenge names, so a push names the pulls that go with it. */
export const actionsOf = (method: string): readonly Action[] => {
  if (method === 'GET' || method === 'HEAD') return ['pull'];
  return method === 'DELETE' ? ['delete'] : ['pull', 'push'];
};

const routeOf = (request: FastifyRequest): ReturnType<typeof parseRegistryRoute> | undefined => {
  try {
    return parseRegistryRoute(request.raw.url ?? '');
  } catch {
    return undefined;
  }
};
