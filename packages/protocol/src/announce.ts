import { type PeerId, type Static, type SwarmId, Type } from '@shoal/core';
import { commandsMax, CommandSchema, CommandStateSchema, NodeSchema } from './command.ts';
import { DigestSchema } from './digest.ts';

/** The most swarms of one announce or lookup. */
export const announceSwarmsMax = 1000;

/** The most peers one swarm's answer holds. */
export const peersWantedMax = 50;

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const PeerIdSchema = Type.Unsafe<PeerId>(Type.String({ pattern: '^[0-9a-f]{40}$' }));
export const SwarmIdSchema = Type.Unsafe<SwarmId>(Type.String({ pattern: '^[0-9a-f]{64}$' }));
export const ZoneSchema = Type.String({
  pattern: '^[\\x21-\\x7e]{0,64}$',
  description: 'Up to 64 visible ASCII characters; empty without zones.',
});
export const PeerAddressSchema = Type.String({
  maxLength: 262,
  pattern: '^(?:\\[[0-9A-Fa-f:.%a-z]+\\]|[A-Za-z0-9.-]+):\\d{1,5}$',
  description: 'host:port or [IPv6]:port of the piece listener.',
});
export const PeerRoleSchema = Type.Union([Type.Literal('agent'), Type.Literal('origin')]);

/** In an answer to an announce, a heartbeat or a report. */
export const ReportMsSchema = Type.Integer({
  minimum: 100,
  maximum: 600_000,
  description: 'The tracker takes reports, one of a node in so many milliseconds. Without it there are to be none.',
});

/** Who announces. */
export const PeerSelfSchema = Type.Object({
  peerId: PeerIdSchema,
  incarnation: count,
  address: PeerAddressSchema,
  zone: ZoneSchema,
  role: PeerRoleSchema,
});

/** Who may be connected to. */
export const PeerEntrySchema = Type.Object({
  peerId: PeerIdSchema,
  incarnation: count,
  address: PeerAddressSchema,
  zone: ZoneSchema,
  complete: Type.Boolean(),
  role: PeerRoleSchema,
});

export const AnnounceEventSchema = Type.Union([
  Type.Literal('join'),
  Type.Literal('progress'),
  Type.Literal('complete'),
  Type.Literal('leave'),
  Type.Literal('starved'),
]);

export const SwarmAnnounceSchema = Type.Object({
  swarm: SwarmIdSchema,
  digest: Type.Optional(DigestSchema),
  event: AnnounceEventSchema,
  have: count,
  pieces: count,
  degree: Type.Integer({ minimum: 0, maximum: 65_535, description: 'How many neighbours the peer has in this swarm.' }),
  want: Type.Integer({ minimum: 0, maximum: peersWantedMax, description: 'How many peers it asks for.' }),
});

/** POST /shoal/v1/announce */
export const AnnounceRequestSchema = Type.Object({
  peer: PeerSelfSchema,
  swarms: Type.Array(SwarmAnnounceSchema, { maxItems: announceSwarmsMax }),
});

const place = Type.Integer({ minimum: 0, maximum: 1000 });

export const AnnounceResponseSchema = Type.Object({
  swarms: Type.Array(
    Type.Object({
      swarm: SwarmIdSchema,
      peers: Type.Array(PeerEntrySchema, { maxItems: 2 * peersWantedMax }),
      gateway: Type.Optional(
        Type.Union([Type.Null(), Type.Object({ index: place, known: place, places: place })], {
          description:
            'Without it the swarm has one zone. The place of the peer among the gateways of its zone, through which bytes enter it; null: it is none, and leaves origins of other zones alone as long as its own zone delivers.',
        }),
      ),
    }),
    { maxItems: announceSwarmsMax },
  ),
  again: Type.Boolean({ description: 'Announce all again: the store does not know this peer.' }),
  intervalMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
  reportMs: Type.Optional(ReportMsSchema),
});

/** POST /shoal/v1/heartbeat: one a peer, not one a blob. */
export const HeartbeatRequestSchema = Type.Object({
  peer: PeerSelfSchema,
  load: Type.Optional(
    Type.Object({
      uploadBytesPerSecond: Type.Optional(count),
      downloadBytesPerSecond: Type.Optional(count),
      swarms: Type.Optional(count),
    }),
  ),
  node: Type.Optional(NodeSchema),
  states: Type.Optional(Type.Array(CommandStateSchema, { maxItems: commandsMax })),
});

export const HeartbeatResponseSchema = Type.Object({
  known: Type.Boolean({ description: 'False: announce all again.' }),
  commands: Type.Array(CommandSchema, { maxItems: commandsMax }),
  intervalMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
  reportMs: Type.Optional(ReportMsSchema),
});

/**
 * POST /shoal/v1/lookup: peers without joining. At least one of digest and swarm is given. A peer says who it is: its
 * requests count as its own then, not as those of all that share its address.
 */
export const LookupRequestSchema = Type.Object({
  peerId: Type.Optional(PeerIdSchema),
  digest: Type.Optional(DigestSchema),
  swarm: Type.Optional(SwarmIdSchema),
  want: Type.Integer({ minimum: 0, maximum: peersWantedMax }),
});

export const LookupResponseSchema = Type.Object({
  swarms: Type.Array(
    Type.Object({
      swarm: SwarmIdSchema,
      digest: Type.Optional(DigestSchema),
      peers: Type.Array(PeerEntrySchema, { maxItems: 2 * peersWantedMax }),
    }),
    { maxItems: announceSwarmsMax },
  ),
});

export type PeerSelf = Static<typeof PeerSelfSchema>;
export type PeerEntry = Static<typeof PeerEntrySchema>;
export type AnnounceEvent = Static<typeof AnnounceEventSchema>;
export type SwarmAnnounce = Static<typeof SwarmAnnounceSchema>;
export type AnnounceRequest = Static<typeof AnnounceRequestSchema>;
export type AnnounceResponse = Static<typeof AnnounceResponseSchema>;
export type HeartbeatRequest = Static<typeof HeartbeatRequestSchema>;
export type HeartbeatResponse = Static<typeof HeartbeatResponseSchema>;
export type LookupRequest = Static<typeof LookupRequestSchema>;
export type LookupResponse = Static<typeof LookupResponseSchema>;
