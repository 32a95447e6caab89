/**
 * What asking the origins gave. `absent` is the word of a reachable origin and is final; `unreachable`
 * is not, and sends the asker to the peers.
 */
export type OriginAnswer<T> =
  | { readonly kind: 'found'; readonly value: T; readonly origin: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreachable'; readonly reason: string };
