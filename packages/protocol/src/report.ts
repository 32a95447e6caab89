import { type Bitfield, type Static, Type } from '@shoal/core';
import { PeerSelfSchema, ReportMsSchema, SwarmIdSchema } from './announce.ts';
import { DigestSchema } from './digest.ts';

/** The most swarms of one report: the busiest of a node. */
export const reportSwarmsMax = 32;

/** The most neighbours named of one swarm. */
export const reportNeighboursMax = 40;

/** Into so many parts a blob is divided to tell which of it a node holds. */
export const reportPartsMax = 64;

/** Digits of a peer id that name a node in reports and in the live view. */
export const shortPeerIdDigits = 10;

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const ShortPeerIdSchema = Type.String({ pattern: `^[0-9a-f]{${shortPeerIdDigits}}$` });

/** How bytes come: over the swarm, partly or only by HTTP from an origin, not at all for now, or they are all there. */
export const ReportedWaySchema = Type.Union([
  Type.Literal('swarm'),
  Type.Literal('http-missing'),
  Type.Literal('http-any'),
  Type.Literal('exhausted'),
  Type.Literal('seed'),
]);

export const SwarmReportSchema = Type.Object({
  swarm: SwarmIdSchema,
  digest: Type.Optional(DigestSchema),
  size: count,
  pieces: count,
  have: count,
  held: Type.String({
    pattern: `^[0-9a-f]{0,${reportPartsMax}}$`,
    description: 'How much of each part of the blob the node holds: f is all of it, 0 is nothing. See heldParts.',
  }),
  neighbours: Type.Array(ShortPeerIdSchema, { maxItems: reportNeighboursMax }),
  origins: Type.Array(ShortPeerIdSchema, { maxItems: reportNeighboursMax }),
  bytes: Type.Object(
    { peers: count, origins: count, http: count, discarded: count, sent: count },
    { description: 'Since the node joined: by where they came from, thrown away, and sent to others.' },
  ),
  corrupt: Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Pieces that did not match their hash.' }),
  way: ReportedWaySchema,
  readers: Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Clients that read the blob meanwhile.' }),
  ageMs: count,
});

/** POST /shoal/v1/report: what a node does now. It changes no membership and no handout; the live view shows it. */
export const ReportSchema = Type.Object({
  peer: PeerSelfSchema,
  load: Type.Object({
    sentBytes: count,
    receivedBytes: count,
    uploadBytesPerSecondMax: count,
    downloadBytesPerSecondMax: count,
    uploadsWaiting: count,
    busy: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the time that the event loop was not idle.' }),
  }),
  swarms: Type.Array(SwarmReportSchema, { maxItems: reportSwarmsMax }),
});

export const ReportResponseSchema = Type.Object({ reportMs: Type.Optional(ReportMsSchema) });

export type SwarmReport = Static<typeof SwarmReportSchema>;
export type Report = Static<typeof ReportSchema>;
export type ReportResponse = Static<typeof ReportResponseSchema>;

/**
 * A hex digit for each of up to 64 equal parts of the blob: 0 only for a part of which nothing is held, f only for one
 * that is held whole. Up to 64 pieces each is a part of its own.
 */
export const heldParts = (have: Bitfield): string => {
  const parts = Math.min(have.length, reportPartsMax);
  if (have.complete) return 'f'.repeat(parts);
  let digits = '';
  for (let part = 0; part < parts; part++) {
    const first = Math.floor((part * have.length) / parts);
    const end = Math.floor(((part + 1) * have.length) / parts);
    let held = 0;
    for (let piece = first; piece < end; piece++) if (have.has(piece)) held++;
    const whole = end - first;
    digits += (held === 0 || held === whole ? (held / whole) * 15 : 1 + Math.floor((held * 14) / whole)).toString(16);
  }
  return digits;
};
