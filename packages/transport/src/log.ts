/** What the transport logs to; pino's methods have this shape. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {} };
