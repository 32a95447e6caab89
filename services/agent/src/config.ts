import {
  baseSections,
  bytes,
  checkAdvertised,
  checkBase,
  choice,
  type ConfigProblem,
  defineConfig,
  durationMs,
  host,
  integer,
  list,
  listener,
  number,
  address,
  path,
  peerTlsFiles,
  port,
  section,
  sendfileKey,
  text,
  tlsFiles,
  url,
} from '@shoal/service';
import { checkUpstreams, upstreamsSection } from '@shoal/upstreams';
import { type Static, Type } from '@shoal/core';
import { accessSection, checkAccess } from './access/config.ts';

const registryListener = listener(7020, 'Registry API for container runtimes, pull only');
const pieceListener = listener(7021, 'Piece exchange with other nodes');

const hostPattern = '^[A-Za-z0-9]+([.-]+[A-Za-z0-9]+)*(:[0-9]{1,5})?$';

const schema = section({
  ...baseSections({ admin: 7022, debug: 7023 }),
  registry: section({
    ...registryListener.properties,
    tls: Type.Optional(tlsFiles()),
    mirrors: list(
      section({
        upstream: text({
          pattern: hostPattern,
          maxLength: 259,
          description: 'The registry that the listener stands for: `docker.io`.',
        }),
        host: host({ default: '127.0.0.1', description: 'The address to listen on; 0.0.0.0 or :: for all.' }),
        port: port({ description: 'The TCP port.' }),
      }),
      {
        default: [],
        max: 16,
        description:
          'Further listeners, each of which is one other registry to its clients: for those that do not say which one they mean, such as Docker with `registry-mirrors`.',
      },
    ),
    names: list(text({ pattern: hostPattern, maxLength: 259, description: 'A host name, with a port or without.' }), {
      default: [],
      max: 100,
      description:
        "Names of the cluster's own registry, such as `registry.example.com`, beside the hosts of `origins`: an `ns` query with one of them means its repositories, with any other those of another registry. What the origins say of themselves counts as well.",
    }),
  }),
  pieces: section({
    ...pieceListener.properties,
    tls: Type.Optional(peerTlsFiles()),
    threads: integer({
      default: 0,
      min: 0,
      max: 16,
      description:
        'Threads that receive, verify and store what other nodes send, started when something comes; with 0 the main thread does it. For nodes that take more than one core can receive. Without effect over TLS and with `limits.downloadBytesPerSecondMax`.',
    }),
    advertise: Type.Optional(
      address({
        description:
          'Where other nodes reach the piece listener, when that differs from what it is bound to: a node address in front of a container, a NAT.',
      }),
    ),
  }),
  origins: list(url({ description: 'URL of an origin.' }), {
    default: ['http://127.0.0.1:7000'],
    min: 1,
    max: 64,
    description: 'Registry URLs of the origins, tried in turn.',
  }),
  upstreams: upstreamsSection(
    'Registries that the agent itself asks while no origin answers, under a lease of the tracker. None by default: an agent asks nobody unless it is told to.',
  ),
  trackers: list(url({ description: 'URL of a tracker.' }), {
    default: ['http://127.0.0.1:7010'],
    max: 64,
    description: 'URLs of the trackers, tried in turn; without any, pieces come from the origins only.',
  }),
  access: accessSection(),
  zone: Type.Optional(
    text({
      pattern: '^[\\x21-\\x7e]+$',
      maxLength: 64,
      description: 'Failure or network zone of the node; peers of the same zone are preferred.',
    }),
  ),
  node: section({
    name: Type.Optional(
      text({
        pattern: '^[A-Za-z0-9._-]+$',
        maxLength: 253,
        description: 'Name of the node, by which preheating selects it; without it the host name.',
      }),
    ),
    labels: list(
      text({ pattern: '^[A-Za-z0-9._/-]{1,63}=[A-Za-z0-9._/-]{0,63}$', maxLength: 127, description: '`key=value`.' }),
      { default: [], max: 64, description: 'Labels by which preheating selects the node, such as `disk=ssd`.' },
    ),
  }),
  sendfile: sendfileKey(),
  trust: section({
    caFile: Type.Optional(
      path({
        description: 'PEM file with the authorities that the HTTPS certificates of origins and trackers are signed by.',
      }),
    ),
    certFile: Type.Optional(
      path({
        description: 'PEM file with the certificate that the agent shows to origins and trackers that ask for one.',
      }),
    ),
    keyFile: Type.Optional(path({ description: 'PEM file with the private key of `trust.certFile`.' })),
    keys: Type.Optional(
      list(
        section({
          keyId: text({ pattern: '^[0-9a-f]{32}$', description: 'Id of an origin key: 32 hex digits.' }),
          publicKey: text({ pattern: '^[A-Za-z0-9+/]{43}=$', description: 'The raw Ed25519 public key in base64.' }),
        }),
        {
          max: 64,
          description:
            'Public keys of the origins whose signatures count. Without the list they are learned from the configured origins at first contact and kept in the cache folder.',
        },
      ),
    ),
  }),
  cache: section({
    folder: path({
      default: './data/agent',
      description: 'Folder for blobs, tag records, the node id and learned keys.',
    }),
    quotaBytes: bytes({
      default: '50GiB',
      min: 0,
      description: 'Most bytes of blobs on disk. A larger blob passes through without being kept.',
    }),
    diskFreeBytesMin: bytes({
      default: 0,
      description: 'Bytes of the disk that the cache leaves free; what does not fit beside them passes through.',
    }),
    highWater: number({
      default: 0.95,
      min: 0.01,
      max: 1,
      description: 'Share of the quota at which the least recently used blobs begin to be evicted.',
    }),
    lowWater: number({ default: 0.85, min: 0, max: 1, description: 'Share of the quota at which eviction ends.' }),
    verify: choice(['pieces', 'blob'], {
      default: 'pieces',
      description:
        'Every piece is checked as it arrives; `blob` also hashes the whole blob again before it counts as complete, and holds its last piece back until then.',
    }),
  }),
  limits: section({
    uploadBytesPerSecondMax: bytes({
      default: 0,
      description: 'Most bytes a second sent to other nodes; 0 is without limit.',
    }),
    downloadBytesPerSecondMax: bytes({
      default: 0,
      description: 'Most bytes a second taken from other nodes; 0 is without limit.',
    }),
    blobUploadBytesPerSecondMax: bytes({
      default: 0,
      description: 'Most bytes a second sent of one blob, to all nodes together; 0 is without limit.',
    }),
    blobDownloadBytesPerSecondMax: bytes({
      default: 0,
      description:
        'Most bytes a second taken of one blob into the cache, from other nodes and by HTTP from origins together; 0 is without limit. Kept in whole pieces, which come one after the other as fast as they can.',
    }),
    downloadsMax: integer({
      default: 256,
      min: 1,
      max: 10_000,
      description: 'Blobs downloaded at once; a request beyond is answered with 503.',
    }),
    passThroughsMax: integer({
      default: 8,
      min: 1,
      max: 1000,
      description:
        'Requests served past the cache at once (disk full, blob above the quota); each holds one piece in memory.',
    }),
    seedsAnnouncedMax: integer({
      default: 1000,
      min: 0,
      max: 100_000,
      description: 'Complete blobs the trackers are told of, the most recently used ones.',
    }),
  }),
  deadlines: section({
    firstByteMs: durationMs({
      default: '10s',
      min: '100ms',
      max: '5m',
      description: 'From a request for a blob or manifest to its first byte; then 404 or 503. containerd waits 30 s.',
    }),
    stallMs: durationMs({
      default: '30s',
      min: '100ms',
      max: '1h',
      description: 'Longest pause within the body of a reply; then it ends short, and runtimes resume by Range.',
    }),
    originMs: durationMs({
      default: '3s',
      min: '50ms',
      max: '1m',
      description: 'For one question to one origin (tag, metainfo, manifest).',
    }),
    upstreamMs: durationMs({
      default: '8s',
      min: '50ms',
      max: '5m',
      description:
        'The same where the origin may have to ask another registry first: for repositories such as `docker.io/library/alpine`.',
    }),
    trackerMs: durationMs({ default: '2s', min: '50ms', max: '1m', description: 'For one request to one tracker.' }),
    peerMs: durationMs({
      default: '2s',
      min: '50ms',
      max: '1m',
      description: 'For dialling peers and asking them for records, when no origin answers.',
    }),
    linkMs: durationMs({
      default: '5s',
      min: '100ms',
      max: '5m',
      description: 'For the handshake with a peer of a swarm, and for its answer to joining.',
    }),
    fallbackMs: durationMs({
      default: '2s',
      min: '100ms',
      max: '5m',
      description: 'How long a download may stand still before missing pieces are fetched from an origin by HTTP.',
    }),
  }),
});

export type AgentConfig = Static<typeof schema>;

const check = (config: AgentConfig): ConfigProblem[] => {
  const problems = [
    ...checkBase(config, { pieces: config.pieces }),
    ...checkAdvertised('pieces', config.pieces),
    ...checkUpstreams(config.upstreams),
    ...checkAccess(
      config.access,
      config.registry.mirrors.map(({ upstream }) => upstream),
    ),
  ];
  const { certFile, keyFile } = config.trust;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const key = certFile === undefined ? 'trust.certFile' : 'trust.keyFile';
    problems.push({ key, value: undefined, allowed: 'needed are both trust.certFile and trust.keyFile, or neither' });
  }
  const { lowWater, highWater } = config.cache;
  if (lowWater > highWater) {
    problems.push({
      key: 'cache.lowWater',
      value: lowWater,
      allowed: `allowed is at most cache.highWater (${highWater})`,
    });
  }
  return problems;
};

export const agentConfig = defineConfig({ service: 'agent', schema, check });
