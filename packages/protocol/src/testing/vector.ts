/** Byte arrays stand in the vector files as `{"hex": "..."}`. */
interface HexBytes {
  readonly hex: string;
}

/** A value as read from a vector file, with its byte arrays. */
export const fromVector = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fromVector);
  if (typeof value !== 'object' || value === null) return value;
  if (isHexBytes(value)) return Uint8Array.fromHex(value.hex);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromVector(inner)]));
};

const isHexBytes = (value: object): value is HexBytes =>
  'hex' in value && typeof value.hex === 'string' && Object.keys(value).length === 1;
