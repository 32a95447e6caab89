import { isLoopbackHost, type Static, Type } from '@shoal/core';
import {
  address,
  baseSections,
  bytes,
  checkAdvertised,
  checkBase,
  type ConfigProblem,
  defineConfig,
  durationMs,
  flag,
  integer,
  list,
  listener,
  path,
  peerTlsFiles,
  secret,
  section,
  sendfileKey,
  text,
  tlsFiles,
  url,
} from '@shoal/service';
import { checkUpstreams, upstreamsSection } from '@shoal/upstreams';
import { fetchesSection } from './cold/config.ts';
import { gcSection } from './gc/config.ts';
import { ringSection } from './ring/config.ts';

const hostPattern = '^[A-Za-z0-9]+([.-]+[A-Za-z0-9]+)*(:[0-9]{1,5})?$';

const schema = section({
  ...baseSections({ admin: 7002, debug: 7003 }),
  folder: path({
    default: './data/origin',
    description: 'Folder for blobs, repositories, unfinished uploads, the signing key and the node id.',
  }),
  registry: section({
    ...listener(7000, 'Registry and control API').properties,
    tls: Type.Optional(tlsFiles()),
    names: list(text({ pattern: hostPattern, maxLength: 259, description: 'A host name, with a port or without.' }), {
      default: [],
      max: 100,
      description:
        "Names under which images of this registry are pulled through mirrors, such as `registry.example.com`: an `ns` query with one of them means the origin's own repositories. Agents hear of them.",
    }),
  }),
  upstreams: upstreamsSection(
    'Registries that the origin pulls through from. None by default: an origin asks nobody unless it is told to.',
  ),
  fetches: fetchesSection(),
  gc: gcSection(),
  ring: ringSection(),
  pieces: section({
    ...listener(7001, 'Piece exchange with agents').properties,
    tls: Type.Optional(peerTlsFiles()),
    advertise: Type.Optional(
      address({
        description:
          'Where agents reach the piece listener, when that differs from what it is bound to: a host name in front of a container, a NAT.',
      }),
    ),
  }),
  sendfile: sendfileKey(),
  zone: Type.Optional(
    text({ pattern: '^[\\x21-\\x7e]+$', maxLength: 64, description: 'Failure or network zone of the origin.' }),
  ),
  auth: section({
    htpasswdFile: Type.Optional(
      path({
        description: 'File of users with bcrypt hashes, as `htpasswd -B` writes it; read again when it changes.',
      }),
    ),
    tokens: list(secret({ minLength: 16, description: 'A token.' }), {
      default: [],
      max: 1000,
      description: 'Static tokens, sent as Bearer or as the password of any user.',
    }),
    anonymousPull: flag({
      default: true,
      description: 'Whether pulls need no login. Pushes and deletes need one as soon as there are users or tokens.',
    }),
    realm: Type.Optional(
      url({
        description:
          'URL of the token endpoint as clients reach it, such as `https://registry.example.com/shoal/v1/token`; needed behind a proxy that ends TLS or changes the Host header. Without it clients are sent to the host they came to.',
      }),
    ),
  }),
  uploads: section({
    expireAfterMs: durationMs({
      default: '24h',
      min: '1m',
      max: '90d',
      description: 'How long an unfinished upload is kept without a new chunk.',
    }),
    idleTimeoutMs: durationMs({
      default: '60s',
      min: '1s',
      max: '1h',
      description: 'How long a client may send nothing in the middle of a body.',
    }),
    bytesPerSecondMin: bytes({
      default: '1KiB',
      max: '1GiB',
      description:
        'What a client has to send a second, on average over `uploads.idleTimeoutMs`; a slower one is answered with 408 and can go on with the upload later. 0 lets all be as slow as they like.',
    }),
    activeMax: integer({
      default: 256,
      min: 1,
      max: 100_000,
      description: 'Bodies received at once; a request beyond is answered with 503.',
    }),
    openMax: integer({ default: 10_000, min: 1, max: 1_000_000, description: 'Unfinished uploads kept at once.' }),
    blobBytesMax: bytes({ default: '1TiB', min: '1KiB', max: '64TiB', description: 'Largest blob that is accepted.' }),
  }),
  manifests: section({
    bytesMax: bytes({
      default: '8MiB',
      min: '64KiB',
      max: '256MiB',
      description: 'Largest manifest that is accepted; more is answered with 413.',
    }),
    tagsPerPushMax: integer({
      default: 100,
      min: 1,
      max: 10_000,
      description: 'Tags that one push of a manifest may set by `?tag=`.',
    }),
    sparse: flag({
      default: false,
      description: 'Whether a manifest is accepted although blobs or manifests it refers to are missing.',
    }),
  }),
  pulls: section({
    activeMax: integer({
      default: 512,
      min: 1,
      max: 100_000,
      description:
        'Bodies over 64 KiB sent over HTTP at once. As many clients again wait up to 10 s for their turn; whoever is beyond that, and every agent, is answered with 503 and comes back later.',
    }),
    stallTimeoutMs: durationMs({
      default: '60s',
      min: '1s',
      max: '1h',
      description: 'How long a client may take nothing of a body before the connection is closed.',
    }),
    headerBytesMax: bytes({
      default: '64KiB',
      min: '8KiB',
      max: '1MiB',
      description: 'All headers of a request together; more is answered with 431.',
    }),
  }),
  pieceLength: section({
    piecesTarget: integer({
      default: 2400,
      min: 1,
      max: 100_000,
      description:
        'Pieces that a blob is cut into, at most, as long as the lengths below allow it. Equal in the whole cluster, like the other two.',
    }),
    minBytes: bytes({ default: '256KiB', min: '256KiB', max: '1GiB', description: 'Shortest piece; a power of two.' }),
    maxBytes: bytes({ default: '32MiB', min: '256KiB', max: '1GiB', description: 'Longest piece; a power of two.' }),
  }),
  seeding: section({
    openMax: integer({
      default: 512,
      min: 1,
      max: 100_000,
      description: 'Blobs seeded at once; each holds a file open. The one that was asked for longest ago gives way.',
    }),
  }),
  limits: section({
    uploadBytesPerSecondMax: bytes({
      default: 0,
      description: 'Most bytes a second of pieces sent to agents; 0 is without limit. HTTP bodies are not counted.',
    }),
    blobUploadBytesPerSecondMax: bytes({
      default: 0,
      description:
        'Most bytes a second of pieces of one blob sent to agents, to all together; 0 is without limit. HTTP bodies are not counted.',
    }),
  }),
  readiness: section({
    freeBytesMin: bytes({
      default: '64MiB',
      max: '1024TiB',
      description: 'With less space free in the file system of `folder` the origin is not ready.',
    }),
  }),
});

export type OriginConfig = Static<typeof schema>;

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

const check = (config: OriginConfig): ConfigProblem[] => {
  const problems = [
    ...checkBase(config, { registry: config.registry, pieces: config.pieces }),
    ...checkAdvertised('pieces', config.pieces),
    ...checkUpstreams(config.upstreams),
  ];
  const { auth, registry, pieceLength } = config;
  if (!isLoopbackHost(registry.host) && auth.htpasswdFile === undefined && auth.tokens.length === 0) {
    problems.push({
      key: 'registry.host',
      value: registry.host,
      allowed:
        'allowed is a loopback address as long as neither auth.htpasswdFile nor auth.tokens is set: anyone could push',
    });
  }
  for (const key of ['minBytes', 'maxBytes'] as const) {
    if (!isPowerOfTwo(pieceLength[key]))
      problems.push({
        key: `pieceLength.${key}`,
        value: pieceLength[key],
        allowed: 'allowed is 256KiB times a power of two',
      });
  }
  if (pieceLength.minBytes > pieceLength.maxBytes) {
    problems.push({
      key: 'pieceLength.minBytes',
      value: pieceLength.minBytes,
      allowed: `allowed is at most pieceLength.maxBytes (${pieceLength.maxBytes})`,
    });
  }
  return problems;
};

/** Keys of the origin's configuration, with defaults and limits. */
export const originConfig = defineConfig({ service: 'origin', schema, check });
