import { type PieceLengthPolicy, type PublicKeyRecord, type Static, Type } from '@shoal/core';

/** Answer to GET /shoal/v1/cluster: what a process must know of an origin and its cluster before it can take part. */
export const ClusterAnnouncementSchema = Type.Object({
  clusterId: Type.String({ maxLength: 64 }),
  protocolVersion: Type.Integer(),
  pieceLengthPolicy: Type.Unsafe<PieceLengthPolicy>(
    Type.Object({
      piecesTarget: Type.Integer({ minimum: 1 }),
      lengthMin: Type.Integer({ minimum: 1 }),
      lengthMax: Type.Integer({ minimum: 1 }),
    }),
  ),
  keys: Type.Unsafe<PublicKeyRecord[]>(
    Type.Array(
      Type.Object({
        keyId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
        publicKey: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }),
      }),
      { maxItems: 64, description: 'Of the origin, and of those that it shares its work with.' },
    ),
  ),
  piecesAddress: Type.String({ maxLength: 262 }),
  peerId: Type.String({ pattern: '^[0-9a-f]{40}$' }),
  zone: Type.Optional(Type.String({ maxLength: 64 })),
  names: Type.Optional(Type.Array(Type.String({ maxLength: 259 }), { maxItems: 100 })),
});

export type ClusterAnnouncement = Static<typeof ClusterAnnouncementSchema>;
