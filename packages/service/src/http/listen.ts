import type { Address } from '@shoal/core';
import { ShoalError, formatAddress } from '@shoal/core';

/** A port that can't be listened on; the message names the address and the key of the configuration. */
export class ListenError extends ShoalError {
  constructor(key: string, address: Address, cause: NodeJS.ErrnoException) {
    super(
      'LISTEN_FAILED',
      500,
      `${key}: cannot listen on ${formatAddress(address)}: ${reasons[cause.code ?? ''] ?? cause.message}`,
      { cause, detail: { key, port: address.port } },
    );
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another process; set another port, or 0 for any free one',
  EACCES: 'the process may not use this port; ports below 1024 need privileges',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is not known',
};

/**
 * Runs a listen call and translates its failure: `await listening('registry', config.registry, () => app.listen(config.registry))`.
 * `key` is the section of the configuration that holds `host` and `port`.
 * @throws ListenError
 */
export const listening = async <Result>(
  key: string,
  address: Address,
  listen: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await listen();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code in reasons) throw new ListenError(`${key}.port`, address, error as NodeJS.ErrnoException);
    throw error;
  }
};
