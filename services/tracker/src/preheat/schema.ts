import { Type } from '@shoal/core';
import { CommandIdSchema } from '@shoal/protocol';

/** What POST /shoal/v1/preheats takes. */
export const PreheatSchema = Type.Object({
  id: Type.Optional(CommandIdSchema),
  image: Type.String({ minLength: 1, maxLength: 600 }),
  nodes: Type.Optional(Type.String({ maxLength: 1000 })),
});
