import { type Static, Type } from '@shoal/core';

const day = 86_400_000;

/** What POST /shoal/v1/gc takes. */
export const GcRequestSchema = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: 'Only say what would be removed.' })),
    untagged: Type.Optional(
      Type.Boolean({ description: 'Also manifests that no tag leads to; by default as `gc.untagged` says.' }),
    ),
    graceMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 365 * day,
        description:
          'In place of `gc.graceMs`, in milliseconds. Pushes under way that are older have to send blobs again.',
      }),
    ),
  },
  { additionalProperties: false },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

/** How far a run is, or what it has done. */
export const GcStateSchema = Type.Object({
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  dryRun: Type.Boolean(),
  untagged: Type.Boolean(),
  graceMs: Type.Integer(),
  startedMs: Type.Number({ description: 'Milliseconds since the epoch.' }),
  endedMs: Type.Union([Type.Number(), Type.Null()]),
  repositories: count('Repositories looked at; those of upstream registries are not.'),
  blobs: count('Blobs taken out of repositories, one for each repository that had it.'),
  manifests: count('Manifests removed.'),
  young: count('What nothing reaches but was used within the grace period; it stayed.'),
  freedBytes: count('Of the content that is gone from the disk, in a dry run that would be.'),
  freedCount: count('How much content that is.'),
  digests: Type.Array(Type.String(), { description: 'Of that content, at most 1,000.' }),
  problems: Type.Array(Type.String(), {
    description: 'Repositories that were left as they are, and why; at most 100.',
  }),
  failure: Type.Union([Type.String(), Type.Null()]),
});

export type GcRequest = Static<typeof GcRequestSchema>;
export type GcState = Static<typeof GcStateSchema>;
