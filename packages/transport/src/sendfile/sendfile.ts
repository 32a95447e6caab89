import type { Socket } from 'node:net';

/**
 * Hands `length` bytes of a file, from byte `position`, to the kernel's side of a socket without a copy in this process.
 * Answers how many the kernel took: fewer when the socket is full or the file ends, 0 also when the socket is none that
 * can take them (TLS, closed, earlier writes still on their way) or the call failed. It never waits and never throws: what
 * is left goes by an ordinary write, which waits for the socket and tells what is wrong with it.
 *
 * The caller keeps `fd` open and writes nothing else to the socket that the bytes could be meant to follow.
 *
 * With a `head`, which lies in memory that V8 does not move, these bytes go before those of the file and count as well: the
 * kernel puts both into one packet. It may take a part of the head only.
 */
export type Sendfile = (socket: Socket, fd: number, position: number, length: number, head?: Uint8Array) => number;

/** Returns at once, raises no signal, and keeps the bytes until more follow. Source: Linux, include/linux/socket.h. */
const headFlags = 0x40 | 0x4000 | 0x8000;

/** What Node keeps private of a socket. */
interface Handle {
  readonly fd?: number;
  /** Bytes that libuv has not written yet. */
  readonly writeQueueSize?: number;
}

/** @throws Error where node:ffi or the function is not to be had */
export const loadSendfile = (): Sendfile => {
  const { functions } = loadFfi().dlopen(null, {
    sendfile: { arguments: ['int32', 'int32', 'buffer', 'uint64'], return: 'int64' },
    send: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
  });
  // Not a typed array of its own: V8 moves small ones about.
  const offset = new BigInt64Array(new ArrayBuffer(8));
  return (socket, fd, position, length, head) => {
    const out = descriptorOf(socket);
    if (out === undefined) return 0;
    const before = head ? Math.max(0, Number(functions.send(out, head, BigInt(head.length), headFlags))) : 0;
    if (head && before < head.length) return before;
    offset[0] = BigInt(position);
    return before + Math.max(0, Number(functions.sendfile(out, fd, offset, BigInt(length))));
  };
};

/** Undefined when bytes written there would not follow all that was written before, as they are. */
const descriptorOf = (socket: Socket): number | undefined => {
  const { _handle: handle } = socket as unknown as { _handle?: Handle | null };
  // A TLS socket has the descriptor as well.
  if (!handle || handle.constructor.name !== 'TCP' || socket.connecting || socket.writableEnded) return undefined;
  if (socket.writableLength > 0 || handle.writeQueueSize !== 0) return undefined;
  return handle.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
};

type Ffi = typeof import('node:ffi');

/** Loads node:ffi without its warning that it is experimental, and leaves all other warnings alone. */
const loadFfi = (): Ffi => {
  const { emitWarning } = process;
  const others = (...args: Parameters<typeof emitWarning>): void => {
    if (!/\bFFI\b.* experimental/.test(String(args[0]))) emitWarning.apply(process, args);
  };
  process.emitWarning = others as typeof emitWarning;
  try {
    const ffi = process.getBuiltinModule('node:ffi') as Ffi | undefined;
    if (!ffi) throw new Error('this Node.js has no node:ffi');
    return ffi;
  } finally {
    process.emitWarning = emitWarning;
  }
};
