/** values.schema.json of the chart. */
import { agentConfig } from '../../services/agent/src/config.ts';
import { originConfig } from '../../services/origin/src/config.ts';
import { trackerConfig } from '../../services/tracker/src/config.ts';
import { configSchema, type JsonSchema } from './config-schema.ts';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const map: JsonSchema = { type: 'object' };
const labels: JsonSchema = { type: 'object', additionalProperties: text };
const objects: JsonSchema = { type: 'array', items: map };
const names: JsonSchema = { type: 'array', items: text };
const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65_535 };
const seconds = (minimum: number): JsonSchema => ({ type: 'integer', minimum, maximum: 3600 });
/** Empty: the chart makes one up. */
const secret: JsonSchema = { type: 'string', pattern: '^(.{16,})?$' };
const oneOf = (...choices: string[]): JsonSchema => ({ enum: choices });
const section = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
});

const base = ['cluster.secret', 'cluster.secretFile', 'admin', 'debug', 'stop', 'registry.host', 'registry.port'];
const pieces = ['pieces', 'zone'];
const pod = {
  resources: map,
  env: objects,
  podAnnotations: labels,
  nodeSelector: labels,
  tolerations: objects,
  affinity: map,
  priorityClassName: text,
  stopSeconds: seconds(1),
};
const budget = section({ enabled: flag, maxUnavailable: { type: ['integer', 'string'] } });

const origin = section({
  ...pod,
  replicas: { const: 1, description: 'Origins do not share what is pushed to them.' },
  config: configSchema(originConfig, [...base, ...pieces, 'folder', 'registry.tls', 'auth.tokens']),
  service: section({ type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'), annotations: labels }),
  ingress: section({ enabled: flag, className: text, annotations: labels, host: text, tlsSecret: text }),
  tlsSecret: text,
  upstreamLoginSecret: text,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  storage: section({ size: { type: 'string', minLength: 1 }, storageClass: text, accessModes: names }),
  podDisruptionBudget: budget,
});

const tracker = section({
  ...pod,
  replicas: { type: 'integer', minimum: 1, maximum: 100 },
  config: configSchema(trackerConfig, [
    ...base,
    'api',
    'replicas',
    'redis.url',
    'redis.password',
    'redis.passwordFile',
  ]),
  podDisruptionBudget: budget,
});

const agent = section({
  ...pod,
  config: configSchema(agentConfig, [...base, ...pieces, 'cache.folder', 'registry.tls', 'trust.caFile']),
  hostNetwork: flag,
  port,
  hostPath: { type: 'string', pattern: '^/.+' },
  mirror: section({ install: flag, registries: names }),
  drainSeconds: seconds(0),
  updateStrategy: map,
});

/** `value` is set at `path`, which defaults do not do. */
const at = (path: readonly string[], value: JsonSchema): JsonSchema =>
  path.reduceRight((inner: JsonSchema, key) => ({ required: [key], properties: { [key]: inner } }), value);

const filled = { minLength: 1 };
const nonEmpty = { minItems: 1 };
const ownRedis = at(['redis', 'enabled'], { const: true });
const otherRedis = at(['redis', 'url'], filled);

/** More than one tracker know each other's peers by a common Redis alone. */
const sharedPeers = {
  if: at(['tracker', 'replicas'], { minimum: 2 }),
  // eslint-disable-next-line unicorn/no-thenable
  then: {
    anyOf: [
      ownRedis,
      otherRedis,
      at(['tracker', 'config', 'redis', 'sentinels'], nonEmpty),
      at(['tracker', 'config', 'redis', 'clusterNodes'], nonEmpty),
    ],
  },
};

export const valuesSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the Shoal chart',
  ...section({
    global: map,
    image: section({
      repository: { type: 'string', minLength: 1 },
      tag: text,
      digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
      pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
      pullSecrets: names,
    }),
    nameOverride: text,
    fullnameOverride: text,
    commonLabels: labels,
    listenHost: oneOf('0.0.0.0', '::'),
    secret: section({ existing: text, clusterSecret: secret, pushToken: secret }),
    serviceAccount: section({ create: flag, name: text, annotations: labels }),
    pieces: section({ tlsSecret: text }),
    origin,
    tracker,
    redis: section({
      enabled: flag,
      url: { type: 'string', pattern: '^(rediss?://.+)?$' },
      passwordSecret: text,
      image: text,
      resources: map,
    }),
    agent,
    networkPolicy: section({ enabled: flag, registryFrom: objects, metricsFrom: objects, nodeCIDRs: names }),
    monitoring: section({
      monitors: flag,
      interval: text,
      rules: flag,
      labels,
      dashboards: flag,
      dashboardLabels: labels,
      dashboardAnnotations: labels,
    }),
  }),
  allOf: [sharedPeers, { not: { allOf: [ownRedis, otherRedis] } }],
});
