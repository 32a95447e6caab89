import { isUtf8 } from 'node:buffer';
import { RefusedError } from '../errors.ts';

/** The text of a file whose bytes come out the same when they are encoded again. @throws RefusedError */
export const decodeText = (hostPath: string, bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw new RefusedError(`${hostPath} is not UTF-8 text`);
  return bytes.toString('utf8');
};

/** The line ending of a file, by its first line. */
export const lineEnding = (text: string): '\n' | '\r\n' => (/^[^\n]*\r\n/.test(text) ? '\r\n' : '\n');

/** The whole lines in which `after` differs from `before`: what was taken out and what was put in its place. */
export interface LineChange {
  readonly removed: string;
  readonly inserted: string;
}

export const lineChange = (before: string, after: string): LineChange => {
  const [old, now] = [before, after].map((text) => text.split(/(?<=\n)/)) as [string[], string[]];
  const least = Math.min(old.length, now.length);
  let head = 0;
  while (head < least && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < least - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const changed = (lines: string[]): string => lines.slice(head, lines.length - tail).join('');
  return { removed: changed(old), inserted: changed(now) };
};
