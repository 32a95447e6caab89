import { Type } from '@shoal/core';

/** An operation of the registry API, for an OpenAPI document. */
interface RegistryOperation {
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string };
  readonly answers: Readonly<
    Record<
      number,
      {
        readonly description: string;
        readonly type?: string;
        readonly schema?: ReturnType<typeof Type.Object>;
        readonly headers?: Readonly<Record<string, string>>;
      }
    >
  >;
}

const tag = 'registry';
const bytes = 'application/octet-stream';
const contentHeaders = { 'Docker-Content-Digest': 'Digest of the content.', 'Content-Length': 'In bytes.' };
const ns = { ns: 'Registry that the name belongs to, as containerd says it.' };
const taken = { Location: 'Where the content is, or where the upload goes on.' };
const progress = { ...taken, Range: 'What was received: `0-<last byte>`.' };
const json = (properties: Parameters<typeof Type.Object>[0]) => Type.Object(properties);

const manifest = {
  tag,
  summary: 'A manifest or an index, byte for byte as it was pushed (end-3)',
  query: ns,
  headers: { Accept: 'Media types that the client takes; nothing is converted.' },
  answers: {
    200: { description: 'The manifest, of its media type.', type: '*/*', headers: contentHeaders },
    304: { description: 'If-None-Match names its digest.' },
  },
} as const satisfies RegistryOperation;

const blob = {
  tag,
  summary: 'A blob, or a range of it (end-2)',
  description: 'A body that cannot be finished ends short, with FIN; go on with `Range`.',
  query: ns,
  headers: { Range: '`bytes=<first>-<last>`, `bytes=<first>-` or `bytes=-<length>`; one range.' },
  answers: {
    200: { description: 'The whole blob.', type: bytes, headers: contentHeaders },
    206: { description: 'The range.', type: bytes, headers: { ...contentHeaders, 'Content-Range': 'The range.' } },
    304: { description: 'If-None-Match names its digest.' },
    416: { description: 'The range selects nothing.' },
  },
} as const satisfies RegistryOperation;

/** The read half of the API. Source: OCI Distribution Specification v1.1, "Endpoints". */
export const pullPaths = {
  '/v2/': {
    get: {
      tag,
      summary: 'Whether this is a registry (end-1)',
      answers: { 200: { description: 'It is.', schema: json({}) } },
    },
  },
  '/v2/{name}/manifests/{reference}': { get: manifest, head: { ...manifest, summary: 'The same without its body' } },
  '/v2/{name}/blobs/{digest}': { get: blob, head: { ...blob, summary: 'The same without its body' } },
  '/v2/{name}/tags/list': {
    get: {
      tag,
      summary: 'Tags of a repository, sorted (end-8)',
      query: { ...ns, n: 'How many at most.', last: 'Only tags after this one.' },
      answers: {
        200: {
          description: 'A page of tags.',
          schema: json({ name: Type.String(), tags: Type.Array(Type.String()) }),
          headers: { Link: 'The next page, when there is one.' },
        },
      },
    },
  },
  '/v2/{name}/referrers/{digest}': {
    get: {
      tag,
      summary: 'Manifests whose subject this is (end-12)',
      query: { ...ns, artifactType: 'Only those of this type.' },
      answers: {
        200: {
          description: 'An image index.',
          type: 'application/vnd.oci.image.index.v1+json',
          headers: { Warning: '`110` when nobody could be asked whether there are others by now.' },
        },
      },
    },
  },
} as const satisfies Record<string, Record<string, RegistryOperation>>;

/** The write half. */
export const pushPaths = {
  '/v2/{name}/manifests/{reference}': {
    put: {
      tag,
      summary: 'Push a manifest (end-7)',
      query: { tag: 'Further tags; may be given several times.' },
      body: { type: '*/*' },
      answers: { 201: { description: 'It is stored.', headers: { ...taken, ...contentHeaders } } },
    },
    delete: {
      tag,
      summary: 'Delete a tag or a manifest (end-9)',
      answers: { 202: { description: 'It is gone.' } },
    },
  },
  '/v2/{name}/blobs/{digest}': {
    delete: {
      tag,
      summary: 'Remove a blob from a repository (end-10)',
      answers: { 202: { description: 'It is gone.' } },
    },
  },
  '/v2/{name}/blobs/uploads/': {
    post: {
      tag,
      summary: 'Start an upload, send a whole blob, or mount one (end-4, end-11)',
      query: {
        digest: 'The body is the whole blob of this digest.',
        'digest-algorithm': 'Of the digest that the upload will be finished with.',
        mount: 'Digest of a blob that another repository has.',
        from: 'That repository.',
      },
      answers: {
        201: { description: 'The blob is there.', headers: taken },
        202: { description: 'The upload has begun.', headers: progress },
      },
    },
  },
  '/v2/{name}/blobs/uploads/{upload}': {
    get: {
      tag,
      summary: 'How far an upload is (end-13)',
      answers: { 204: { description: 'So far.', headers: progress } },
    },
    patch: {
      tag,
      summary: 'Send a part of a blob (end-5)',
      headers: { 'Content-Range': '`<first>-<last>`; without it the part is streamed.' },
      body: { type: bytes },
      answers: {
        202: { description: 'It is kept.', headers: progress },
        416: { description: 'It does not follow what was received.' },
      },
    },
    put: {
      tag,
      summary: 'Finish an upload, with the last part or without (end-6)',
      query: { 'digest!': 'Of the whole.' },
      body: { type: bytes },
      answers: { 201: { description: 'The blob is there.', headers: { ...taken, ...contentHeaders } } },
    },
    delete: { tag, summary: 'Give an upload up (end-14)', answers: { 204: { description: 'It is gone.' } } },
  },
} as const satisfies Record<string, Record<string, RegistryOperation>>;
