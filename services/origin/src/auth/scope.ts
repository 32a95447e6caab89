import { InvalidValueError } from '@shoal/core';

export type Action = 'pull' | 'push' | 'delete';

/** What may be done, or has to be allowed, in one repository. */
export interface Grant {
  readonly repository: string;
  readonly actions: readonly Action[];
}

/** Scopes of one token, which has to fit a header: a push that mounts from other repositories asks for several. */
const scopesMax = 16;

const actionsKnown: readonly Action[] = ['pull', 'push', 'delete'];

/**
 * What the `scope` parameters of a request for a token ask for, each one scope or several with spaces between them:
 * `repository:team/app:pull,push`; `*` stands for all actions. Other kinds and actions are left out: a token may
 * grant less than was asked for. Source: distribution's "Token Scope Documentation".
 * @throws InvalidValueError for too many
 */
export const parseScopes = (raw: readonly string[]): Grant[] => {
  const scopes = raw.flatMap((value) => value.split(' ')).filter((scope) => scope !== '');
  if (scopes.length > scopesMax)
    throw new InvalidValueError('scope', scopes.length, `allowed are ${scopesMax} in one token`);
  return scopes.flatMap((scope) => {
    const match = /^repository(?:\([a-z0-9]+\))?:([a-z0-9._/-]{1,255}):([a-z,*]+)$/.exec(scope);
    const [, repository = '', list = ''] = match ?? [];
    const named = new Set(list.split(','));
    const actions = actionsKnown.filter((action) => named.has(action) || named.has('*'));
    return actions.length === 0 ? [] : [{ repository, actions }];
  });
};

/** A requirement; none for a malformed name, which is answered with an error of its own and must not get into a header. */
export const grantsOf = (repository: string, actions: readonly Action[]): Grant[] =>
  /^[a-z0-9._/-]{1,255}$/.test(repository) ? [{ repository, actions }] : [];

/** As challenges and answers to OAuth clients name it. */
export const formatScopes = (grants: readonly Grant[]): string =>
  grants.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`).join(' ');

/** Whether every required action is granted. */
export const covers = (granted: readonly Grant[], required: readonly Grant[]): boolean =>
  required.every(({ repository, actions }) =>
    actions.every((action) =>
      granted.some((grant) => grant.repository === repository && grant.actions.includes(action)),
    ),
  );
