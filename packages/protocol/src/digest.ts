import { type Digest, Type } from '@shoal/core';

export const DigestSchema = Type.Unsafe<Digest>(
  Type.String({ pattern: '^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$' }),
);
