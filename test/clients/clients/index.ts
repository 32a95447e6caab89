import type { Candidate } from './client.ts';
import { containerds } from './containerd.ts';
import { buildah, podman, skopeo } from './containers-image.ts';
import { dockers } from './docker.ts';
import { cosign, crane, oras } from './files.ts';

export type { Client } from './client.ts';

/** Every client that is tried, in the order of the rows of the matrix. */
export const candidates: readonly Candidate[] = [
  ...dockers,
  ...containerds,
  podman,
  skopeo,
  buildah,
  oras,
  crane,
  cosign,
];
