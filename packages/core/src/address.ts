import { InvalidValueError } from './errors.ts';

/** Where a process listens or is reached: an IPv4 or IPv6 address or a host name, and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.1:7021`, `[2001:db8::1]:7021`, `node-1.example:7021`. @throws InvalidValueError */
export const parseAddress = (raw: string, field = 'address'): Address => {
  const match = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(raw);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) throw new InvalidValueError(field, raw, 'allowed is host:port or [IPv6]:port, with a port from 1 to 65535');
  return { host: match[1] ?? match[2] ?? '', port };
};

export const formatAddress = ({ host, port }: Address): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Whether a host is the loopback interface by its spelling: 127.0.0.0/8, ::1, localhost. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '0:0:0:0:0:0:0:1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host);
