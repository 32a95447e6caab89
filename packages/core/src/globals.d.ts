// The pure packages are checked without the DOM and without Node. UTF-8 coding is the one host
// facility they use: it is a pure function of its input.
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
