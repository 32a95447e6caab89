/** One challenge of a WWW-Authenticate header. Source: RFC 9110, section 11.6.1. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly params: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const equals = /[ \t]*=[ \t]*/y;
const quoted = /"((?:[^"\\]|\\.)*)"/sy;
/** `Negotiate dG9rZW4=`: a scheme with one opaque text in place of parameters. */
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const separators = /[ \t,]*/y;

/**
 * The challenges of all WWW-Authenticate headers of an answer. A comma separates challenges as well as parameters, so a
 * name is a parameter when `=` follows it. What cannot be read ends the reading; what was read before it counts.
 */
export const parseChallenges = (headers: string | readonly string[] | undefined): Challenge[] =>
  [headers ?? []].flat().flatMap(parseHeader);

const parseHeader = (header: string): Challenge[] => {
  const challenges: { scheme: string; params: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match) position += match[0].length;
    return match;
  };
  for (;;) {
    take(separators);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    if (!take(equals)) {
      challenges.push({ scheme: name, params: new Map() });
      take(token68);
      continue;
    }
    const value = take(quoted)?.[1]?.replace(/\\(.)/gs, '$1') ?? take(token)?.[0];
    if (value === undefined) return challenges;
    // The first of two equal names counts: a second one is an attempt to be read differently by somebody else.
    const params = challenges.at(-1)?.params;
    if (params && !params.has(name)) params.set(name, value);
  }
};
