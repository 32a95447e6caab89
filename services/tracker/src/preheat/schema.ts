import { Type } from '@shoal/core';
import { CommandIdSchema, DigestSchema, purgeDigestsMax } from '@shoal/protocol';

const common = {
  id: Type.Optional(CommandIdSchema),
  nodes: Type.Optional(Type.String({ maxLength: 1000 })),
};

/** What POST /shoal/v1/preheats takes. */
export const PreheatSchema = Type.Object({ ...common, image: Type.String({ minLength: 1, maxLength: 600 }) });

/** What POST /shoal/v1/purges takes. */
export const PurgeSchema = Type.Object({
  ...common,
  digests: Type.Array(DigestSchema, { minItems: 1, maxItems: purgeDigestsMax }),
});
