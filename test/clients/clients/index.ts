import type { Candidate } from './client.ts';
import { containerds } from './containerd.ts';
import { buildah, podmans, skopeos } from './containers-image.ts';
import { dockers } from './docker.ts';
import { cosign, crane, oras } from './files.ts';

export type { Client, Login } from './client.ts';

/** Every client that is tried, in the order of the rows of the matrix. */
export const candidates: readonly Candidate[] = [
  ...dockers,
  ...containerds,
  ...podmans,
  ...skopeos,
  buildah,
  oras,
  crane,
  cosign,
];
