import { type Static, Type } from '@shoal/core';
import { PeerAddressSchema, PeerIdSchema, PeerSelfSchema } from './announce.ts';
import { DigestSchema } from './digest.ts';

/** POST /shoal/v1/lease: with every origin down one agent at a time may fetch a digest from another registry. */
export const LeaseRequestSchema = Type.Object({
  peer: PeerSelfSchema,
  digest: DigestSchema,
  release: Type.Optional(Type.Boolean({ description: 'Gives the lease back.' })),
});

export const LeaseResponseSchema = Type.Object({
  granted: Type.Boolean(),
  holder: Type.Object({ peerId: PeerIdSchema, address: PeerAddressSchema }),
  holdMs: Type.Integer({
    minimum: 1,
    maximum: 3_600_000,
    description: 'How long a granted lease holds; asking again renews it.',
  }),
});

export type LeaseRequest = Static<typeof LeaseRequestSchema>;
export type LeaseResponse = Static<typeof LeaseResponseSchema>;
