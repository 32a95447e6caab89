/**
 * Where a service in a container leaves the addresses that it listens on, for `health.ts` and `drain.ts`: that works with
 * every configuration, and in a container whose only writable memory is /dev/shm.
 */
import { openSync, readFileSync } from 'node:fs';

const readyFile = '/dev/shm/shoal-ready';

interface Ready {
  readonly addresses: { readonly admin: { readonly host: string; readonly port: number } };
}

/** Has the service of this process write its addresses to the file once it is ready. */
export const leaveReadyFile = (): void => {
  try {
    process.env['SHOAL_READY_FD'] ??= String(openSync(readyFile, 'w', 0o600));
  } catch {
    // Without /dev/shm the service runs as well; health.ts then says what is missing.
  }
};

/** A listener on all addresses is reached at loopback. */
const dialled: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Where the service of this container has metrics and health. @throws Error when it has not started */
export const adminUrl = (): URL => {
  const { host, port } = (JSON.parse(readFileSync(readyFile, 'utf8')) as Ready).addresses.admin;
  return new URL(`http://${dialled[host] ?? (host.includes(':') ? `[${host}]` : host)}:${port}`);
};
