import { Type } from '@shoal/core';
import { ClusterAnnouncementSchema } from '@shoal/protocol';
import { pullPaths, pushPaths } from '@shoal/registry';
import { adminPaths, openApiDocument, openApiPath, type Operation, type Paths, version } from '@shoal/service';
import { GcRequestSchema, GcStateSchema } from './gc/schema.ts';

const control = { tag: 'control', security: ['cluster'] };
const repository = { 'repository!': 'The repository that the content is asked of.' };
const users = ['basic', 'bearer'];

const controlPaths: Paths = {
  '/shoal/v1/cluster': {
    get: {
      ...control,
      summary: 'What a process must know of the cluster before it can take part',
      answers: { 200: { description: 'The facts of the cluster.', schema: ClusterAnnouncementSchema } },
    },
  },
  '/shoal/v1/metainfo/{digest}': {
    get: {
      ...control,
      summary: 'Metainfo of a blob or manifest',
      description: 'Signed; of a blob that is still being fetched how it is cut, without hashes and unsigned.',
      query: repository,
      answers: {
        200: {
          description: 'The metainfo; of a cold blob as `application/vnd.shoal.metainfo.growing.v1+json`.',
          type: 'application/vnd.shoal.metainfo.v1+json',
        },
      },
    },
  },
  '/shoal/v1/tags/{tag}': {
    get: {
      ...control,
      summary: 'Signed record of what a tag means',
      query: repository,
      answers: {
        200: {
          description: 'The record.',
          type: 'application/vnd.shoal.tag.v1+json',
          headers: { Warning: '`110` when the upstream registry could not be asked whether the tag has moved.' },
        },
      },
    },
  },
  '/shoal/v1/referrers/{subject}': {
    get: {
      ...control,
      summary: 'Signed record of what refers to a manifest',
      query: repository,
      answers: {
        200: {
          description: 'The record; its index lists referrers of all types.',
          type: 'application/vnd.shoal.referrers.v1+json',
          headers: { Warning: '`110` when the upstream registry could not be asked again.' },
        },
      },
    },
  },
  '/shoal/v1/content/{digest}': contentOperations(),
  '/shoal/v1/manifests/{manifest}': {
    get: {
      ...control,
      summary: 'Manifest of a repository of an upstream, for other origins',
      query: repository,
      answers: {
        200: { description: 'The manifest, of its media type.', type: '*/*' },
        404: {
          description: 'There is none.',
          headers: { 'Shoal-Blob-Size': 'Of what a manifest of the repository names as a blob.' },
        },
      },
    },
  },
};

function contentOperations(): { get: Operation; head: Operation } {
  const { answers, headers } = pullPaths['/v2/{name}/blobs/{digest}'].get;
  const get = {
    ...control,
    summary: "Bytes of content, with Range: the agents' fallback",
    query: repository,
    headers,
    answers,
  };
  return { get, head: { ...get, summary: 'The same without its body' } };
}

const removal = { tag: 'removal', security: [...users, 'cluster'] };
const digests = (description: string) => Type.Array(Type.String(), { description });

const removalPaths: Paths = {
  '/shoal/v1/repositories/{name}/manifests/{reference}': {
    delete: {
      ...removal,
      summary: 'Remove a tag, or an image with all its tags',
      description: 'Blobs stay until the garbage collection.',
      query: { whole: '`true`: of a tag, too, the image that it means. A digest always means the image.' },
      answers: {
        200: {
          description: 'What is removed.',
          schema: Type.Object({
            repository: Type.String(),
            digest: Type.String({ description: 'The manifest that the reference meant.' }),
            tags: digests('Tags.'),
            manifests: digests('Manifests: of an index those too that nothing else names.'),
            unreached: digests(
              'Of the manifests removed and the blobs that they name: what no manifest of any repository reaches now.',
            ),
          }),
        },
      },
    },
  },
  '/shoal/v1/gc': {
    post: {
      ...removal,
      summary: 'Begin to remove the blobs that no manifest reaches',
      description: 'One run at a time: 409 while one is under way.',
      body: { schema: GcRequestSchema },
      answers: { 202: { description: 'The run.', schema: GcStateSchema } },
    },
    get: {
      ...removal,
      summary: 'How far the run is, or what the last one has done',
      description: '`{"state": "never"}` when there was none since the start of the process.',
      answers: { 200: { description: 'The run.', schema: GcStateSchema } },
    },
  },
};

const tokenAnswer = Type.Object({
  token: Type.String(),
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  scope: Type.String(),
  expires_in: Type.Number({ description: 'Seconds.' }),
  issued_at: Type.String({ format: 'date-time' }),
});

const tokenPaths: Paths = {
  '/shoal/v1/token': {
    get: {
      tag: 'token',
      summary: 'Change credentials, or none, for a token',
      description: 'As docker does it. There only where users are configured.',
      security: ['basic'],
      query: { service: '`shoal`', scope: '`repository:<name>:<actions>`; may be given several times.' },
      answers: { 200: { description: 'The token.', schema: tokenAnswer } },
    },
    post: {
      tag: 'token',
      summary: 'The same by a form, as containerd does it',
      description: 'Source: RFC 6749, the grants `password` and `refresh_token`.',
      body: { type: 'application/x-www-form-urlencoded' },
      answers: { 200: { description: 'The token.', schema: tokenAnswer } },
    },
  },
};

const blobOperations = (): Paths[string] => {
  const { answers, headers } = pullPaths['/v2/{name}/blobs/{digest}'].get;
  const common = { tag: 'blobs', security: [...users, 'cluster'] };
  const get = { ...common, summary: 'A blob that is no image', headers, answers };
  return {
    get,
    head: { ...get, summary: 'The same without its body' },
    put: {
      ...common,
      summary: 'Store a blob',
      body: { type: 'application/octet-stream' },
      answers: { 201: { description: 'It is stored.', headers: { Location: 'Where it is.' } } },
    },
    delete: { ...common, summary: 'Remove it', answers: { 204: { description: 'It is gone.' } } },
  };
};

/** With users configured every operation of the registry may need one. */
const withUsers = (paths: Paths): Paths =>
  Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => [method, { ...operation, security: users }]),
      ),
    ]),
  );

const merged = (...all: readonly Paths[]): Paths => {
  const paths: Record<string, Paths[string]> = {};
  for (const [path, operations] of all.flatMap((each) => Object.entries(each)))
    paths[path] = { ...paths[path], ...operations };
  return paths;
};

/** The OpenAPI document of an origin. */
export const originApi = (): object =>
  openApiDocument({
    title: 'Shoal origin',
    description: 'An OCI registry, blobs that are no images, and what agents ask.',
    version,
    paths: merged(
      withUsers(pullPaths),
      withUsers(pushPaths),
      { '/shoal/v1/namespaces/{namespace}/blobs/{digest}': blobOperations() },
      controlPaths,
      removalPaths,
      tokenPaths,
      openApiPath,
      adminPaths,
    ),
  });
