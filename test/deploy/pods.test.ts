/** What the pods of the manifests may do, and what their services make of their configuration. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { type ConfigDefinition, loadConfig } from '@shoal/service';
import { agentConfig } from '../../services/agent/src/config.ts';
import { originConfig } from '../../services/origin/src/config.ts';
import { trackerConfig } from '../../services/tracker/src/config.ts';
import { type Container, type Manifest, manifestFiles, type PodSpec, podsOf } from './manifests.ts';

const definitions: Readonly<Record<string, ConfigDefinition>> = {
  origin: originConfig,
  tracker: trackerConfig,
  agent: agentConfig,
};

const folder = mkdtempSync(path.join(tmpdir(), 'shoal-manifests-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What Kubernetes puts in the place of a reference. */
const fieldValues: Readonly<Record<string, string>> = {
  'status.podIP': '10.1.2.3',
  "metadata.labels['topology.kubernetes.io/zone']": '',
};

const environmentOf = ({ env = [] }: Container): Record<string, string> =>
  Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const field = valueFrom?.fieldRef?.fieldPath;
      if (field !== undefined) assert.ok(field in fieldValues, field);
      return [name, value ?? (field === undefined ? 'a-value-from-a-secret' : (fieldValues[field] ?? ''))];
    }),
  );

/** The services of a file's pods with the configuration that the service itself loads. */
const servicesOf = (manifests: readonly Manifest[]) =>
  manifests.flatMap((manifest) =>
    podsOf(manifest).flatMap((pod) =>
      pod.containers
        .filter(({ args }) => args?.[0] !== undefined && args[0] in definitions)
        .map((container) => ({ manifest, pod, container, definition: definitions[container.args[0]!]! })),
    ),
  );

const load = (manifests: readonly Manifest[], container: Container, definition: ConfigDefinition) => {
  const { service } = definition;
  const text = manifests.flatMap(({ kind, data }) => (kind === 'ConfigMap' ? [data?.[`${service}.yaml`]] : []));
  const [config] = text.filter((found) => found !== undefined);
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, 'a-secret-of-sixteen-characters');
  const file = path.join(folder, `${service}.yaml`);
  writeFileSync(file, config!.replaceAll(/\/run\/(shoal\/cluster-secret|redis\/password)/g, secret));
  assert.deepEqual(container.args.slice(1), ['--config', `/etc/shoal/${service}.yaml`]);
  return loadConfig(definition, { file, env: environmentOf(container) }) as {
    readonly stop: { readonly timeoutMs: number };
    readonly admin: { readonly port: number };
    readonly registry?: { readonly host: string; readonly port: number };
    readonly pieces?: { readonly host: string; readonly port: number };
    readonly api?: { readonly port: number };
  };
};

for (const [file, manifests] of manifestFiles()) {
  for (const { manifest, pod, container, definition } of servicesOf(manifests)) {
    test(`${file}: the ${definition.service} accepts its configuration, and its ports are those of the pod`, () => {
      const config = load(manifests, container, definition);
      const ports = Object.fromEntries((container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]));
      assert.equal(ports['metrics'], config.admin.port);
      for (const name of ['registry', 'pieces', 'api'] as const) assert.equal(ports[name], config[name]?.port, name);
      // Services of Kubernetes as variables, SHOAL_ORIGIN_PORT say, would be taken for keys that nobody knows.
      assert.equal(pod.enableServiceLinks, false);
      const drain = Number(container.lifecycle?.preStop.exec.command.at(-1) ?? 0);
      const grace = pod.terminationGracePeriodSeconds ?? 30;
      assert.ok(grace >= drain + config.stop.timeoutMs / 1000 + 5, `${manifest.metadata.name}: ${grace} s`);
    });
  }
}

/** The restricted Pod Security Standard, as far as manifests like these can break it. */
const breaches = (pod: PodSpec): string[] => {
  const containers = [...pod.containers, ...(pod.initContainers ?? [])];
  const security = (container: Container) => ({ ...pod.securityContext, ...container.securityContext });
  const found = {
    hostNetwork: pod.hostNetwork === true,
    hostPath: (pod.volumes ?? []).some(({ hostPath }) => hostPath !== undefined),
    hostPort: containers.some(({ ports = [] }) => ports.some(({ hostPort }) => hostPort !== undefined)),
    root: containers.some((container) => security(container)['runAsNonRoot'] !== true),
    escalation: containers.some((container) => security(container)['allowPrivilegeEscalation'] !== false),
    writable: containers.some((container) => security(container)['readOnlyRootFilesystem'] !== true),
    seccomp: containers.some(
      (container) => (security(container)['seccompProfile'] as { type: string } | undefined)?.type !== 'RuntimeDefault',
    ),
    capabilities: containers.some(({ securityContext }) => {
      const given = securityContext?.['capabilities'] as { drop: string[]; add?: string[] } | undefined;
      return given?.drop[0] !== 'ALL' || given.add !== undefined;
    }),
  };
  return Object.entries(found).flatMap(([name, broken]) => (broken ? [name] : []));
};

/** What a pod needs beyond the restricted standard, by the component that it is of. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  agent: ['hostNetwork', 'hostPath', 'hostPort', 'root', 'capabilities'],
  cleanup: ['hostPath', 'root', 'capabilities'],
  test: ['hostNetwork'],
};

test('pods keep to the restricted Pod Security Standard, but for what an agent does on its node', () => {
  for (const [file, manifests] of manifestFiles()) {
    for (const manifest of manifests) {
      const component = manifest.metadata.labels?.['app.kubernetes.io/component'] ?? '';
      for (const pod of podsOf(manifest)) {
        const beyond = breaches(pod).filter((breach) => !allowed[component]?.includes(breach));
        assert.deepEqual(beyond, [], `${file}: ${manifest.metadata.name}`);
        if (pod.serviceAccountName?.endsWith('-cleanup') !== true)
          assert.equal(pod.automountServiceAccountToken, false);
      }
    }
  }
});

test('only init containers have the rights of root', () => {
  for (const pod of manifestFiles().flatMap(([, manifests]) => manifests.flatMap(podsOf))) {
    for (const { name, securityContext } of pod.containers) assert.equal(securityContext?.['runAsNonRoot'], true, name);
  }
});

test('the runtime alone reaches the registry of an agent: at the loopback address of its node', () => {
  for (const [file, manifests] of manifestFiles()) {
    for (const { pod, container, definition } of servicesOf(manifests)) {
      if (definition.service !== 'agent') continue;
      const { registry, pieces } = load(manifests, container, definition);
      const port = container.ports?.find(({ name }) => name === 'registry');
      if (pod.hostNetwork) assert.equal(registry?.host, '127.0.0.1', file);
      else assert.deepEqual([port?.hostIP, port?.hostPort], ['127.0.0.1', port?.containerPort], file);
      assert.equal(pieces?.host, '10.1.2.3', 'others dial the address of the pod');
    }
  }
});

test('what a pod mounts is there', () => {
  const given = new Set(['ours', 'redis', 'origin-tls', 'pieces-tls', 'upstream-login', 'ca']);
  for (const [file, manifests] of manifestFiles()) {
    const names = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    // The Secret of the plain manifests is made by hand.
    if (file.startsWith('deploy/kubernetes')) names.add('Secret/shoal');
    const claims = manifests.flatMap(({ spec }) => (spec?.['volumeClaimTemplates'] ?? []) as Manifest[]);
    for (const pod of manifests.flatMap(podsOf)) {
      for (const { name, configMap, secret } of pod.volumes ?? []) {
        if (configMap)
          assert.ok(names.has(`ConfigMap/${configMap.name}`) || given.has(configMap.name), `${file}: ${name}`);
        if (secret)
          assert.ok(names.has(`Secret/${secret.secretName}`) || given.has(secret.secretName), `${file}: ${name}`);
      }
      const volumes = new Set(
        [...(pod.volumes ?? []), ...claims.map(({ metadata }) => metadata)].map(({ name }) => name),
      );
      const mounts = [...pod.containers, ...(pod.initContainers ?? [])].flatMap(
        ({ volumeMounts = [] }) => volumeMounts,
      );
      for (const { name } of mounts) assert.ok(volumes.has(name), `${file}: volume ${name}`);
    }
  }
});

interface Selecting {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> } & Readonly<Record<string, string>>;
  readonly podSelector?: Selecting['selector'];
}

test('every selector finds the pods of one component', () => {
  const selecting = [
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
    'DaemonSet',
    'Deployment',
    'StatefulSet',
    'PodMonitor',
  ];
  for (const [file, manifests] of manifestFiles()) {
    const labels = manifests.flatMap(({ spec }) => (spec?.template ? [spec.template.metadata.labels ?? {}] : []));
    for (const { kind, metadata, spec } of manifests) {
      if (!selecting.includes(kind)) continue;
      const { selector, podSelector } = spec as Selecting;
      const wanted = Object.entries(podSelector?.matchLabels ?? selector?.matchLabels ?? selector ?? {});
      assert.ok(wanted.length > 0, `${file}: ${kind} ${metadata.name}`);
      const found = labels.filter((pod) => wanted.every(([key, value]) => pod[key] === value));
      assert.equal(found.length, 1, `${file}: ${kind} ${metadata.name}`);
    }
  }
});
