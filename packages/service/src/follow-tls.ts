import type { Log } from './log.ts';
import { loadTls, type TlsFiles, type TlsOptions } from './tls.ts';

/** Certificates live for days; a file system need not be watched, which does not work for all of them. */
const intervalMs = 60_000;

/** PEM text, which can be told to another thread. */
export interface TlsText {
  readonly cert: string;
  readonly key: string;
  /** Empty without `caFile`. */
  readonly ca: string;
}

export interface FollowTlsOptions<User> {
  /** The section of the configuration: `pieces.tls`. */
  readonly key: string;
  /** Nothing is opened without them. */
  readonly files: TlsFiles | undefined;
  readonly log: Log;
  /** Called once, with what the files hold at the start. */
  readonly open: (tls: TlsText) => User;
  readonly everyMs?: number;
}

/**
 * Opens what uses certificates, reads their files every minute, and tells it when they have changed. A change that cannot
 * be used is logged, and what was there before stays; so does one that is half written, until the next minute. It ends
 * with `parts`.
 * @throws TlsFileError when they cannot be used at the start
 */
export const followTls = <User extends { renew(tls: TlsText): void }>(
  parts: { defer(ended: () => void): void },
  { key, files, log, open, everyMs = intervalMs }: FollowTlsOptions<User>,
): User | undefined => {
  if (files === undefined) return undefined;
  const load = (): TlsText => textOf(loadTls(key, files));
  let current = load();
  const user = open(current);
  const look = (): void => {
    try {
      const next = load();
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) return;
      user.renew(next);
      current = next;
      log.info({ key }, 'new certificates are in use');
    } catch (error) {
      log.error({ key, err: error }, 'new certificates cannot be used; the former ones stay in use');
    }
  };
  const timer = setInterval(look, everyMs).unref();
  parts.defer(() => clearInterval(timer));
  return user;
};

const textOf = ({ cert, key, ca }: TlsOptions): TlsText => ({
  cert: cert.toString('latin1'),
  key: key.toString('latin1'),
  ca: ca?.toString('latin1') ?? '',
});
