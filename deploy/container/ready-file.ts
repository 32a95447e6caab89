/**
 * Where a service in a container leaves the addresses that it listens on, for `health.ts`: that works with every
 * configuration, and in a container whose only writable memory is /dev/shm.
 */
import { openSync } from 'node:fs';

export const readyFile = '/dev/shm/shoal-ready';

/** Has the service of this process write its addresses to the file once it is ready. */
export const leaveReadyFile = (): void => {
  try {
    process.env['SHOAL_READY_FD'] ??= String(openSync(readyFile, 'w', 0o600));
  } catch {
    // Without /dev/shm the service runs as well; health.ts then says what is missing.
  }
};
