import { closeSync, writeSync } from 'node:fs';
import type { Address } from '@shoal/core';

export interface ReadyMessage {
  readonly type: 'ready';
  readonly addresses: Readonly<Record<string, Address>>;
}

/** Tells whoever started this process that it is ready: by IPC, and as a JSON line to the descriptor in SHOAL_READY_FD. */
export const announceReady = (
  addresses: Readonly<Record<string, Address>>,
  env: Readonly<Record<string, string | undefined>>,
): void => {
  const message: ReadyMessage = { type: 'ready', addresses };
  process.send?.(message);
  const descriptor = Number(env['SHOAL_READY_FD'] || Number.NaN);
  if (!Number.isInteger(descriptor) || descriptor < 1) return;
  writeSync(descriptor, `${JSON.stringify(message)}\n`);
  if (descriptor > 2) closeSync(descriptor);
};
