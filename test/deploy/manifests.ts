/** The rendered manifests, and what Kubernetes knows of their types. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { rendered, renderings } from '../../deploy/helm/render.ts';

export const root = path.join(import.meta.dirname, '../..');

interface Named {
  readonly name: string;
}

export interface Container extends Named {
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly (Named & {
    readonly containerPort: number;
    readonly hostPort?: number;
    readonly hostIP?: string;
  })[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly (Named & { readonly mountPath: string })[];
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
}

interface Volume extends Named {
  readonly configMap?: Named;
  readonly secret?: { readonly secretName: string };
  readonly hostPath?: { readonly path: string };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly hostNetwork?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>> & {
    readonly template?: { readonly metadata: Manifest['metadata']; readonly spec: PodSpec };
  };
}

/** All documents of a text. @throws Error for YAML that is not valid, or a key that is there twice */
export const parseManifests = (text: string): Manifest[] =>
  parseAllDocuments(text, { uniqueKeys: true, merge: false })
    .map((document) => {
      if ('errors' in document && document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);

/** The manifests in the repository, by the file they are in. */
export const manifestFiles = (): [string, Manifest[]][] => [
  ...renderings.map((rendering): [string, Manifest[]] => [rendering.file, parseManifests(rendered(rendering))]),
  ['deploy/kubernetes/base/namespace.yaml', read('deploy/kubernetes/base/namespace.yaml')],
  ['deploy/monitoring/rules', [ruleObject('deploy/monitoring/rules/shoal.yml')]],
];

const read = (file: string): Manifest[] => parseManifests(readFileSync(path.join(root, file), 'utf8'));

/** What templates/monitoring/rules.yaml makes of a file of rules. */
const ruleObject = (file: string): Manifest => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: path.basename(file, '.yml') },
  spec: read(file)[0] as unknown as Manifest['spec'] & object,
});

/** The pods that a manifest makes. */
export const podsOf = (manifest: Manifest): PodSpec[] => {
  if (manifest.kind === 'Pod') return [manifest.spec as unknown as PodSpec];
  return manifest.spec?.template ? [manifest.spec.template.spec] : [];
};

/** The module of npm that has the type of a manifest. */
export const typeModule = ({ apiVersion, kind }: Manifest): string =>
  `${apiVersion.startsWith('monitoring.') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}/${kind}`;
