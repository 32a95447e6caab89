/** The same numbers in a longer array. */
export const grown = <T extends Float64Array | Int32Array | Uint16Array | Uint8Array>(from: T, into: T): T => {
  into.set(from);
  return into;
};
