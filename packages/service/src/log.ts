import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** The logger of a service: pino's, which fastify takes as its own. Call it as `log.info({ fields }, 'event')`. */
export type Log = Logger;

/** Paths of fields that may hold a secret, wherever a careless caller puts them. */
const secretFields = ['secret', 'password', 'token', 'authorization', 'cookie', 'shoal-auth', 'shoal-proof'];

const redactPaths = secretFields.flatMap((field) =>
  ['', '*.', '*.*.'].map((prefix) =>
    field.includes('-') ? `${prefix.slice(0, -1)}["${field}"]` : `${prefix}${field}`,
  ),
);

export interface LogOptions {
  readonly service: string;
  readonly level?: string;
  /** Where lines go; standard output by default, written at once so that a crash loses none. */
  readonly destination?: DestinationStream;
}

/** One JSON object a line: `{"level":"info","time":"2026-01-01T00:00:00.000Z","service":"agent","msg":...}`. */
export const createLogger = ({ service, level = 'info', destination }: LogOptions): Log =>
  pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactPaths, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );

/** A logger that writes nothing, for tests and for instances that are embedded in another program. */
export const silentLog = (service = 'silent'): Log => createLogger({ service, level: 'silent' });
