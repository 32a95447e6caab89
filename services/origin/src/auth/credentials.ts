/** What an Authorization header carries. Sources: RFC 7617 (Basic), RFC 6750 (Bearer). */
export type Credentials = { readonly user: string; readonly password: string } | { readonly token: string };

/** Longer headers are no credentials of ours. */
const headerLengthMax = 8_192;

/**
 * Undefined for no header, a malformed one and another scheme; also for the empty user and password (`Og==`) that
 * podman sends to registries it has no login for.
 */
export const parseAuthorization = (header: string | undefined): Credentials | undefined => {
  const match =
    header === undefined || header.length > headerLengthMax ? null : /^(basic|bearer)\s+(\S+)\s*$/i.exec(header);
  const [, scheme = '', value = ''] = match ?? [];
  if (value === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return { token: value };
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) return undefined;
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
};
