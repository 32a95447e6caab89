import type { Log } from '../log.ts';

export interface StopSignals {
  /** Aborted by the first of them. */
  readonly signal: AbortSignal;
  /** Resolves with it. */
  readonly stopped: Promise<void>;
}

/**
 * The first SIGTERM or SIGINT, or the end of the process that started this one with an IPC channel, asks for a graceful
 * stop, which must be over in `timeoutMs`; a second one, or the deadline, ends the process with exit code 1.
 */
export const stopSignals = (log: Log, timeoutMs: number): StopSignals => {
  const controller = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  // A promise alone keeps no process alive, and a service may have nothing open but timers that are unreferenced.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const onSignal = (name: string): void => {
    if (controller.signal.aborted) {
      log.warn({ signal: name }, 'second signal, the process ends without finishing');
      process.exit(1);
    }
    log.info({ signal: name, timeoutMs }, 'stopping');
    clearInterval(keepAlive);
    setTimeout(() => {
      log.error({ timeoutMs }, 'the stop took too long, the process ends without finishing');
      process.exit(1);
    }, timeoutMs);
    controller.abort(new Error(`stopped by ${name}`));
    resolve();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Whoever started this process with a channel wants it no longer than it lives itself, however it ended.
  if (process.connected) process.once('disconnect', () => onSignal('disconnect'));
  return { signal: controller.signal, stopped };
};
