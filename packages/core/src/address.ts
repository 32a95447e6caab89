import { InvalidValueError } from './errors.ts';

/** Where a process listens or is reached: an IPv4 or IPv6 address or a host name, and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const ipv6 = '[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z._-]+)?';
/** Underscores are no host names by RFC 1123, but names of containers, which resolve. */
const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?';
const shape = new RegExp(`^(?:\\[(${ipv6})\\]|(${label}(?:\\.${label})*\\.?)):(\\d{1,5})$`);

/** `10.0.0.1:7021`, `[2001:db8::1]:7021`, `node-1.example:7021`. @throws InvalidValueError */
export const parseAddress = (raw: string, field = 'address'): Address => {
  const match = shape.exec(raw.length <= addressLengthMax ? raw : '');
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) {
    throw new InvalidValueError(field, raw, 'allowed is host:port or [IPv6]:port, with a port from 1 to 65535');
  }
  return { host: match[1] ?? match[2] ?? '', port };
};

/** A host name has at most 253 characters (RFC 1035, section 2.3.4). */
const addressLengthMax = 260;

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Whether a host is the loopback interface by its spelling: 127.0.0.0/8, ::1, localhost. */
export const isLoopbackHost = (host: string): boolean => {
  if (host === 'localhost' || host === '::1' || host === '0:0:0:0:0:0:0:1') return true;
  const octets = host.replace(/^::ffff:/i, '').split('.');
  return (
    octets.length === 4 &&
    octets[0] === '127' &&
    octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255)
  );
};
