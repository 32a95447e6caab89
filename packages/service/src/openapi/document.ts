import type { TSchema } from '@shoal/core';

export type HttpMethod = 'get' | 'head' | 'put' | 'post' | 'patch' | 'delete';

export interface Answer {
  readonly description: string;
  /** Of the body, when it is JSON. */
  readonly schema?: TSchema;
  /** Media type of the body; JSON when there is a schema. */
  readonly type?: string;
  /** Names and meanings. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** Query parameters by name; `!` at the end of a name: it is needed. */
  readonly query?: Readonly<Record<string, string>>;
  /** Request headers by name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the request; bytes of that media type, or JSON of that schema. */
  readonly body?: { readonly type: string } | { readonly schema: TSchema };
  /** By status. Every operation can also answer with an error. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Names of security schemes, any of which will do; none: open to all. */
  readonly security?: readonly string[];
}

export type Paths = Readonly<Record<string, Readonly<Partial<Record<HttpMethod, Operation>>>>>;

/** What stands in braces in paths. */
const pathParameters: Readonly<Record<string, { readonly description: string; readonly pattern?: string }>> = {
  name: { description: 'Repository. Names contain slashes: the path is read from its end.' },
  namespace: { description: 'Namespace, which is a repository name and may contain slashes.' },
  reference: { description: 'Tag or digest.' },
  digest: { description: 'Digest of content.', pattern: '^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$' },
  manifest: { description: 'Digest of a manifest.', pattern: '^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$' },
  subject: {
    description: 'Digest of what others refer to.',
    pattern: '^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$',
  },
  tag: { description: 'Tag.', pattern: '^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$' },
  id: { description: 'Id of a swarm or recording.', pattern: '^[0-9a-z-]{1,64}$' },
  upload: { description: 'Session of an upload, from the Location of its start.' },
};

const securitySchemes = {
  cluster: {
    type: 'apiKey',
    in: 'header',
    name: 'shoal-auth',
    description: 'HMAC over the request with the secret of the cluster; needed where `cluster.secret` is set.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'A user of the htpasswd file, where there is one.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'A token of /shoal/v1/token, or of the configuration.' },
};

const errorSchema = {
  type: 'object',
  required: ['errors'],
  properties: {
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['code', 'message'],
        properties: { code: { type: 'string' }, message: { type: 'string' }, detail: {} },
      },
    },
  },
};

export interface DocumentOptions {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly paths: Paths;
}

/** An OpenAPI 3.1 document of HTTP APIs; schemas are the ones that requests are checked with. */
export const openApiDocument = ({ title, description, version, paths }: DocumentOptions): object => ({
  openapi: '3.1.0',
  info: { title, description, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
  paths: Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      {
        ...parametersOf(path),
        ...Object.fromEntries(
          Object.entries(operations).map(([method, operation]) => [method, operationModel(method, path, operation)]),
        ),
      },
    ]),
  ),
  components: {
    securitySchemes,
    schemas: { Errors: errorSchema },
    responses: {
      Error: {
        description: 'An error, with a code of docs/ARCHITECTURE.md or of the OCI Distribution Specification.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Errors' } } },
      },
    },
  },
});

const parametersOf = (path: string): object => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  if (names.length === 0) return {};
  return {
    parameters: names.map((name) => {
      const { description, pattern } = pathParameters[name] ?? {};
      if (description === undefined) throw new TypeError(`${path}: {${name}} is not described`);
      const schema = { type: 'string', ...(pattern !== undefined && { pattern }) };
      return { name, in: 'path', required: true, description, schema };
    }),
  };
};

const operationModel = (method: string, path: string, o: Operation): object => ({
  operationId: `${method} ${path}`
    .replaceAll(/[^a-zA-Z]+/g, ' ')
    .trim()
    .replaceAll(' ', '-'),
  tags: [o.tag],
  summary: o.summary,
  ...(o.description !== undefined && { description: o.description }),
  ...(o.security && { security: o.security.map((name) => ({ [name]: [] })) }),
  ...((o.query || o.headers) && {
    parameters: [...parameters(o.query ?? {}, 'query'), ...parameters(o.headers ?? {}, 'header')],
  }),
  ...(o.body && {
    requestBody: {
      required: true,
      content: 'schema' in o.body ? { 'application/json': { schema: o.body.schema } } : { [o.body.type]: {} },
    },
  }),
  responses: {
    ...Object.fromEntries(Object.entries(o.answers).map(([status, answer]) => [status, answerModel(answer)])),
    default: { $ref: '#/components/responses/Error' },
  },
});

const parameters = (described: Readonly<Record<string, string>>, place: 'query' | 'header'): object[] =>
  Object.entries(described).map(([key, description]) => ({
    name: key.replace(/!$/, ''),
    in: place,
    ...(key.endsWith('!') && { required: true }),
    description,
    schema: { type: 'string' },
  }));

const answerModel = ({ description, schema, type, headers }: Answer): object => ({
  description,
  ...(headers && {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, meaning]) => [name, { description: meaning, schema: { type: 'string' } }]),
    ),
  }),
  ...((schema ?? type) !== undefined && { content: { [type ?? 'application/json']: schema ? { schema } : {} } }),
});
