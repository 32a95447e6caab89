/** The status line and headers of an HTTP answer. Source: RFC 9112, section 2.1. */
export interface Head {
  readonly status: number;
  /** In bytes, the empty line included: the body begins there. */
  readonly length: number;
}

/** Undefined while the empty line is not there yet. */
export const parseHead = (bytes: Buffer): Head | undefined => {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const status = /^HTTP\/1\.1 (\d{3})/.exec(bytes.toString('latin1', 0, Math.min(end, 32)))?.[1];
  return { status: Number(status ?? Number.NaN), length: end + 4 };
};
