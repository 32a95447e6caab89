import { isIPv6, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/** Where an origin gives tokens for its repositories, and agents pass requests for them on. */
export const tokenPath = '/shoal/v1/token';

/** Names, IPv4 and IPv6 addresses with an optional port: nothing that could end a quoted string or hold a user. */
const plainHost = /^(?:[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * Where a client says that it reached us, `http://localhost:7020`. A Host header that is no plain host is not repeated;
 * the address of the connection stands in for it.
 */
export const clientUrl = (request: FastifyRequest): string => {
  const { socket, headers } = request.raw;
  const host = headers.host !== undefined && plainHost.test(headers.host) ? headers.host : localHost(socket);
  return `${socket instanceof TLSSocket ? 'https' : 'http'}://${host}`;
};

const localHost = ({ localAddress = '127.0.0.1', localPort = 80 }: Socket): string =>
  isIPv6(localAddress) ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
