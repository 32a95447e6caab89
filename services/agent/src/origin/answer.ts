/**
 * What asking the origins gave. `absent` is the word of a reachable origin, with a `doubt` when another one, which may
 * have it, did not answer, and its `reason` where it gave one. `unreachable` sends the asker to the peers; with
 * `retryAfterMs` an origin is well but has no place for one more body before that.
 */
export type OriginAnswer<T> =
  | { readonly kind: 'found'; readonly value: T; readonly origin: string }
  | { readonly kind: 'absent'; readonly doubt?: string; readonly reason?: string }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly retryAfterMs?: number };
