import { type FrameSink, FrameDecoder } from '../frame-decoder.ts';
import type { DataHeader, Message } from '../messages.ts';
import { dataHeaderBytes, encodeDataHeader, type Phase } from '../wire.ts';

/** What came out of a decoder, DATA with its payload put together. */
export interface Decoded {
  readonly messages: Message[];
  readonly data: { header: DataHeader; payload: Uint8Array; ended: boolean }[];
}

export const recordingSink = (): FrameSink & Decoded => {
  const messages: Message[] = [];
  const data: Decoded['data'] = [];
  return {
    messages,
    data,
    message: (message) => void messages.push(message),
    dataBegin: (header) => void data.push({ header, payload: new Uint8Array(0), ended: false }),
    dataBytes: (bytes) => {
      const last = data.at(-1)!;
      last.payload = concatenate([last.payload, bytes]);
    },
    dataEnd: () => {
      data.at(-1)!.ended = true;
    },
  };
};

/** Decodes slices in one phase. */
export const decodeAll = (phase: Phase, slices: readonly Uint8Array[]): Decoded & { decoder: FrameDecoder } => {
  const sink = recordingSink();
  const decoder = new FrameDecoder(sink);
  decoder.phase = phase;
  for (const slice of slices) decoder.push(slice);
  return { ...sink, decoder };
};

export const dataFrame = (header: DataHeader, payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(dataHeaderBytes + payload.length);
  encodeDataHeader(header, frame);
  frame.set(payload, dataHeaderBytes);
  return frame;
};

export const concatenate = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Cuts `bytes` at the given places (taken modulo its length). */
export const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
};

/** The phase in which a message is allowed. */
export const phaseOf = (message: Message): Phase =>
  ['challenge', 'hello', 'ready', 'error'].includes(message.type) ? 'handshake' : 'control';
