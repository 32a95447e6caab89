import { type Static, Type } from '@shoal/core';
import { DigestSchema } from './digest.ts';

/** The most commands of one answer, and the most states of one heartbeat. */
export const commandsMax = 64;

/** Blobs of one purge. */
export const purgeDigestsMax = 256;

/** Visible characters, as in the ids that callers of the tracker choose. */
export const CommandIdSchema = Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$' });

/** In the answer to a heartbeat: something a node is asked to do. It is repeated until the node tells of its id. */
export const CommandSchema = Type.Object({
  kind: Type.String({
    maxLength: 64,
    description:
      '`preheat`: get an image into the cache. `purge`: drop blobs from it once nobody reads them. Unknown kinds are skipped.',
  }),
  id: Type.Optional(CommandIdSchema),
  image: Type.Optional(Type.String({ maxLength: 600, description: 'As parseImageName takes it.' })),
  digests: Type.Optional(Type.Array(DigestSchema, { maxItems: purgeDigestsMax })),
});

/** In a heartbeat: how far a command is. One that ended is told of until a tracker has answered. */
export const CommandStateSchema = Type.Object({
  id: CommandIdSchema,
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  detail: Type.Optional(Type.String({ maxLength: 500, description: 'Why it failed, or what was left out.' })),
  bytes: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
});

const LabelSchema = Type.String({ pattern: '^[A-Za-z0-9._/-]{1,63}=[A-Za-z0-9._/-]{0,63}$' });

/** In a heartbeat: by what a node can be selected. */
export const NodeSchema = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,253}$' }),
  labels: Type.Array(LabelSchema, { maxItems: 64 }),
  version: Type.String({ maxLength: 64 }),
});

export type Command = Static<typeof CommandSchema>;
export type CommandState = Static<typeof CommandStateSchema>;
export type NodeDescription = Static<typeof NodeSchema>;
