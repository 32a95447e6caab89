import { KiB, MiB } from '@shoal/core';

/** The version of the wire grammar this package speaks. Peers agree on the highest one both know. 2: longer DATA. */
export const protocolVersion = 2;

/** The oldest version this package still speaks. */
export const protocolVersionMin = 1;

/** The longest frame of a control connection, in bytes after the length field. */
export const frameBytesMax = MiB;

/** The longest frame before both sides have proved themselves, and of whatever is not DATA on a data connection. */
export const handshakeFrameBytesMax = 4 * KiB;

/** The longest payload of one DATA frame: twice a leaf, so that what is done for each chunk is done half as often. */
export const chunkBytesMax = 512 * KiB;

/** The same for a peer with which `version` was agreed on. */
export const chunkBytesOf = (version: number): number => (version < 2 ? 256 * KiB : chunkBytesMax);

/** The most pieces a blob is cut into; a bitfield of them takes 512 KiB. */
export const pieceCountMax = 4 * 1024 * 1024;

/** The most entries of a WANT_ANY's `haveDelta`. */
export const haveDeltaMax = 65_536;

/** The most entries of a WANT_ANY's `prefer`. */
export const preferMax = 256;

/** The most piece hashes of one HASHES message. */
export const hashesMax = 8192;

/** A piece hash, a swarm id, a nonce and a proof are all this long, in bytes. */
export const hashBytes = 32;

/** The longest record (signed metainfo, tag record, small blob) that travels in one frame. */
export const recordBytesMax = frameBytesMax - 16;

/** The longest human-readable reason, in bytes of UTF-8. */
export const reasonBytesMax = 512;
