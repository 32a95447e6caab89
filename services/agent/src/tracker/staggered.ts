/**
 * The first answer of attempts that begin one after the other: the next one at once when one fails, and beside those
 * under way when nothing was heard for `silenceMs` (the staggering of RFC 8305, section 5). Attempts that lose run out
 * unheard. Rejects with the last failure when all have failed.
 */
export const staggered = <Answer>(attempts: readonly (() => Promise<Answer>)[], silenceMs: number): Promise<Answer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let begun = 0;
  let failed = 0;
  let silence: NodeJS.Timeout | undefined;
  const beginNext = (): void => {
    clearTimeout(silence);
    const attempt = attempts[begun];
    if (!attempt) return;
    begun++;
    if (begun < attempts.length) silence = setTimeout(beginNext, silenceMs);
    attempt().then(answered, failedWith);
  };
  const answered = (answer: Answer): void => {
    begun = attempts.length;
    clearTimeout(silence);
    resolve(answer);
  };
  const failedWith = (error: unknown): void => {
    failed++;
    if (failed === attempts.length) reject(error as Error);
    beginNext();
  };
  beginNext();
  return promise;
};
