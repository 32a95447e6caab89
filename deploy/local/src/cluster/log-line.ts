/** The levels of the services' logs, least severe first. */
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof levels)[number];

/** Fields that say the same in every line of a local cluster. */
const dull = new Set(['level', 'time', 'service', 'msg']);

/**
 * A line of a service's log for a person: `agent-1   warn  the piece is corrupt peer=... piece=7`. Lines below
 * `levelMin` are undefined; a line that is not JSON (a stack trace of Node itself) is shown as it is.
 */
export const readableLine = (process: string, line: string, levelMin: LogLevel): string | undefined => {
  const prefix = process.padEnd(9);
  const event = parse(line);
  if (!event) return line.trim() === '' ? undefined : `${prefix} ${line}`;
  const level = text(event['level']);
  if (severity(level) < severity(levelMin)) return undefined;
  const fields = Object.entries(event)
    .filter(([key]) => !dull.has(key))
    .map(([key, value]) => `${key}=${readableValue(value)}`);
  return [prefix, level.padEnd(5), text(event['msg']), ...fields].join(' ');
};

/** An error is shown by its stack, everything else in one line. */
const readableValue = (value: unknown): string => {
  if (typeof value === 'string') return value;
  const stack = typeof value === 'object' && value !== null && 'stack' in value ? value.stack : undefined;
  return typeof stack === 'string' ? stack : JSON.stringify(value);
};

/** A level that is not known is shown rather than lost. */
const severity = (level: string): number => {
  const index = levels.findIndex((known) => known === level);
  return index === -1 ? levels.length : index;
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
