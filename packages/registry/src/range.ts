import { OciError, ShoalError } from '@shoal/core';

/** Half-open: bytes `start` to `end - 1`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** 416 with `Content-Range: bytes * /size`. Source: RFC 9110, section 15.5.17. */
export class RangeNotSatisfiableError extends ShoalError {
  readonly size: number;

  constructor(raw: string, size: number) {
    super('RANGE_INVALID', 416, `range: ${JSON.stringify(raw.slice(0, 80))} selects nothing of ${size} bytes`);
    this.size = size;
  }
}

/**
 * The part of `size` bytes a Range header asks for; undefined means the whole, as 200: no header, another
 * unit, a malformed header, or several ranges at once (a server may ignore those; RFC 9110, section 14.2).
 * A range past the end is clamped. `bytes=0-` is a range (206): containerd probes for range support with it.
 * @throws RangeNotSatisfiableError for `a > b`, `a >= size` and an empty suffix
 */
export const parseRange = (header: string | undefined, size: number): ByteRange | undefined => {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (!match || header === undefined) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (start >= end) throw new RangeNotSatisfiableError(header, size);
  return { start, end };
};

/**
 * The chunk an upload request carries. The specification writes `<start>-<end>` (both inclusive) without a
 * unit; `bytes ` before it and `/size` after it are tolerated.
 * @throws OciError BLOB_UPLOAD_INVALID
 */
export const parseUploadRange = (header: string | undefined): ByteRange | undefined => {
  if (header === undefined) return undefined;
  const match = /^(?:bytes\s+)?(\d{1,16})-(\d{1,16})(?:\/(?:\d+|\*))?$/.exec(header.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (!match || end <= start) {
    throw new OciError(
      'BLOB_UPLOAD_INVALID',
      `Content-Range: ${JSON.stringify(header.slice(0, 80))} is not allowed; allowed is <first byte>-<last byte>, such as 0-1023`,
    );
  }
  return { start, end };
};

/** The `Range` header of an upload's status; `0-0` stands for nothing as well as for one byte, as in the reference registry. */
export const uploadedRange = (size: number): string => `0-${Math.max(0, size - 1)}`;
