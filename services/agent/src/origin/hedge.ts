import type { OriginAnswer } from './answer.ts';

/** How long the origins have the word alone: one that hangs costs a pull this much and not its whole timeout. */
const hedgeMs = 400;

/** The promise's value, or undefined when the origins' time alone is over. */
export const within = async <T>(work: Promise<T>): Promise<T | undefined> => {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, hedgeMs, undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * The origins' answer to a question about content that never changes; where they do not know, or take long, a peer's.
 * What an origin that was asked in vain says later is dropped.
 */
export const originsOrPeers = async <T>(
  asked: Promise<OriginAnswer<T>>,
  askPeers: () => Promise<T | undefined>,
): Promise<OriginAnswer<T> | { readonly kind: 'peer'; readonly value: T }> => {
  const early = await within(asked);
  if (early && isFinal(early)) return early;
  const fromPeers = askPeers().then((value) => (value === undefined ? undefined : ({ kind: 'peer', value } as const)));
  const first = await Promise.race([asked.then((answer) => (isFinal(answer) ? answer : undefined)), fromPeers]);
  return first ?? (await fromPeers) ?? asked;
};

const isFinal = (answer: OriginAnswer<unknown>): boolean =>
  answer.kind === 'found' || (answer.kind === 'absent' && answer.doubt === undefined);
