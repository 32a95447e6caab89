/** The levels of pino, by their numbers in its JSON lines. */
const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

export const warnLevel = 40;

/** Fields that say the same in every line of a local cluster. */
const dull = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'service']);

/**
 * A line of a service's log for a person: `agent-1  warn  the piece is corrupt  peer=... piece=7`. Lines below
 * `levelMin` are undefined; a line that is not JSON (a stack trace of Node itself) is shown as it is.
 */
export const readableLine = (process: string, line: string, levelMin: number): string | undefined => {
  const prefix = process.padEnd(9);
  const event = parse(line);
  if (!event) return line.trim() === '' ? undefined : `${prefix} ${line}`;
  const level = Number(event['level']);
  if (level < levelMin) return undefined;
  const fields = Object.entries(event)
    .filter(([key]) => !dull.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [prefix, (levelNames[level] ?? String(level)).padEnd(5), text(event['msg']), ...fields].join(' ');
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const parse = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
};
