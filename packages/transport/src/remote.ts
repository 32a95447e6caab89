import type { Socket } from 'node:net';
import { formatAddress } from '@shoal/core';

/** Where a socket comes from, for logs and to tell connections apart. */
export const remoteOf = ({ remoteAddress, remotePort }: Socket): string =>
  remoteAddress === undefined ? 'unknown' : formatAddress({ host: remoteAddress, port: remotePort ?? 0 });
