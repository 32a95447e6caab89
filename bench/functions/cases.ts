import { Bitfield, KiB, MiB, type PieceIndex, seededPrng } from '@shoal/core';
import {
  chunkBytesMax,
  dataHeaderBytes,
  encodeDataHeader,
  encodeMessage,
  FrameDecoder,
  type FrameSink,
} from '@shoal/protocol';
import { Ring } from '@shoal/ring';
import { type Candidate, chooseHandout, Leech } from '@shoal/swarm';

/** A hot function in a situation as large as it gets. */
export interface Case {
  readonly name: string;
  /** What one call of `run` does, for people. */
  readonly what: string;
  /** Makes what is measured, outside the measured time. */
  readonly prepare: () => () => unknown;
}

const nothing = (): void => {};
const sink: FrameSink = { message: nothing, dataBegin: nothing, dataBytes: nothing, dataEnd: nothing };

const encodeHave: Case = {
  name: 'encode-have',
  what: '1,000 HAVE frames encoded',
  prepare: () => () => {
    for (let piece = 0; piece < 1000; piece++) encodeMessage({ type: 'have', channel: 1, piece, queueLength: 3 });
  },
};

const decodeHave: Case = {
  name: 'decode-have',
  what: '1,000 HAVE frames decoded, in slices of 64 KiB',
  prepare: () => {
    const frames = Array.from({ length: 1000 }, (_, piece) =>
      encodeMessage({ type: 'have', channel: 1, piece, queueLength: 3 }),
    );
    return decoding('control', Buffer.concat(frames), 64 * KiB);
  },
};

const decodeData: Case = {
  name: 'decode-data',
  what: '8 MiB of DATA frames decoded, in slices of 512 KiB',
  prepare: () => {
    const frames = Array.from({ length: 16 }, (_, index) => {
      const frame = Buffer.alloc(dataHeaderBytes + chunkBytesMax);
      encodeDataHeader({ channel: 1, piece: 0, offset: index * chunkBytesMax, length: chunkBytesMax }, frame);
      return frame;
    });
    return decoding('data', Buffer.concat(frames), chunkBytesMax);
  },
};

const decoding = (phase: 'control' | 'data', bytes: Uint8Array, slice: number) => () => {
  const decoder = new FrameDecoder(sink);
  decoder.phase = phase;
  for (let at = 0; at < bytes.length; at += slice) decoder.push(bytes.subarray(at, at + slice));
};

const pieceCount = 2400;
const neighbours = 40;

/** A download in its middle: 40 neighbours that each hold a random half, half of the pieces there. */
const pieceChoice: Case = {
  name: 'piece-choice',
  what: `a piece verified and the next one asked for, ${pieceCount} pieces, ${neighbours} neighbours`,
  prepare: () => {
    const prng = seededPrng(7);
    const half = (): Bitfield => {
      const field = new Bitfield(pieceCount);
      for (let piece = 0; piece < pieceCount; piece++) if (prng() < 0.5) field.set(piece);
      return field;
    };
    let [leech, nowMs] = [download(half(), prng), 0];
    const asked: { peer: number; piece: PieceIndex }[] = [];
    const poll = (): void => {
      for (let action = leech.poll(); action; action = leech.poll()) if (action.type === 'request') asked.push(action);
    };
    const begin = (): void => {
      leech = download(half(), prng);
      asked.length = 0;
      for (let peer = 0; peer < neighbours; peer++) {
        leech.handle({ type: 'peerJoined', peer, role: 'agent', have: half() }, nowMs);
        poll();
      }
    };
    begin();
    return () => {
      for (let piece = 0; piece < 100; piece++) {
        const next = asked.shift();
        if (!next) return begin();
        nowMs += 5;
        leech.handle({ type: 'pieceVerified', ...next }, nowMs);
        poll();
      }
      return undefined;
    };
  },
};

const download = (have: Bitfield, prng: () => number): Leech =>
  new Leech({ pieceCount, pieceLength: MiB, size: pieceCount * MiB, have, prng });

/** Most HAVEs arrive while every slot is taken and decide nothing. */
const heardHave: Case = {
  name: 'heard-have',
  what: `1,000 HAVEs heard, ${pieceCount} pieces, ${neighbours} neighbours`,
  prepare: () => {
    const prng = seededPrng(7);
    const begin = (): Leech => {
      const leech = download(new Bitfield(pieceCount), prng);
      for (let peer = 0; peer < neighbours; peer++)
        leech.handle({ type: 'peerJoined', peer, role: 'agent', have: new Bitfield(pieceCount) }, 0);
      return leech;
    };
    return () => {
      const leech = begin();
      for (let count = 0; count < 1000; count++) {
        leech.handle({ type: 'peerHave', peer: count % neighbours, piece: count, queueLength: 0 }, count);
        while (leech.poll());
      }
    };
  },
};

const handout: Case = {
  name: 'handout',
  what: 'one handout of 10 out of 5,000 peers',
  prepare: () => {
    const prng = seededPrng(7);
    const candidates = Array.from({ length: 5000 }, (_, index): Candidate => {
      const role = index === 0 ? 'origin' : 'agent';
      return { peerId: `peer-${index}`, role, zone: '', complete: prng() < 0.1, degree: Math.floor(prng() * 40) };
    });
    return () => chooseHandout(candidates, { peerId: 'peer-1', zone: '', want: 10, prng });
  },
};

const ring: Case = {
  name: 'ring',
  what: 'the owners of 100 digests among 16 origins',
  prepare: () => {
    const members = Ring.of(Array.from({ length: 16 }, (_, index) => `origin-${index}.example:7000`));
    const digests = Array.from({ length: 100 }, (_, index) => `sha256:${String(index).padStart(64, '0')}`);
    return () => digests.map((digest) => members.owners(digest, 3));
  },
};

export const cases: readonly Case[] = [encodeHave, decodeHave, decodeData, pieceChoice, heardHave, handout, ring];
