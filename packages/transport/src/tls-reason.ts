import type { TLSSocket } from 'node:tls';

const known: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the other side does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'the other side speaks HTTP without TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the other side does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the other side does not speak TLS 1.3',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the other side does not speak TLS 1.3',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the other side requires a certificate',
};

/** Why a certificate is not one of the cluster's. */
const certificate = (code: string): string => `its certificate is not accepted: ${code}`;

const certificateCodes =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|INVALID_|PATH_LENGTH_|HOSTNAME_|ERROR_IN_CERT|CA_)/;

/** What went wrong with TLS, in words; undefined for errors of other kinds. */
export const tlsReason = ({ code = '' }: NodeJS.ErrnoException): string | undefined => {
  if (certificateCodes.test(code)) return certificate(code);
  const words = known[code];
  if (words !== undefined) return `${words} (${code})`;
  return code.startsWith('ERR_SSL_') ? `TLS failed: ${code}` : undefined;
};

/** Why whoever connected is no member; undefined when it is one. */
export const certificateFlaw = (socket: TLSSocket): string | undefined => {
  // For a resumed session node:tls repeats what it found in the first: nothing without a certificate, or before it expired.
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return 'it shows no certificate';
  if (!socket.authorized) return certificate(String(socket.authorizationError));
  return shown.validToDate.getTime() < Date.now() ? certificate('CERT_HAS_EXPIRED') : undefined;
};
