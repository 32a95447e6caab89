import { pullPaths } from '@shoal/registry';
import { adminPaths, openApiDocument, openApiPath, type Paths, version } from '@shoal/service';

const blob = {
  ...pullPaths['/v2/{name}/blobs/{digest}'].get,
  tag: 'blobs',
  summary: 'A blob that is no image, through the swarm',
  query: {},
};

const paths: Paths = {
  '/shoal/v1/namespaces/{namespace}/blobs/{digest}': {
    get: blob,
    head: { ...blob, summary: 'The same without its body' },
  },
};

/** The OpenAPI document of an agent. */
export const agentApi = (): object =>
  openApiDocument({
    title: 'Shoal agent',
    description: 'What the container runtime of a node pulls from. Pushes are refused with 405.',
    version,
    paths: { ...pullPaths, ...paths, ...openApiPath, ...adminPaths },
  });
