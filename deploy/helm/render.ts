/**
 * The chart as helm renders it. The texts are in the repository, so that it takes no helm to apply them with kubectl or
 * to check them; each names the state of the chart that it was rendered from.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chart } from './generated.ts';

const root = path.join(import.meta.dirname, '../..');

export interface Rendering {
  /** The values that differ from the chart's, below test/deploy/values; undefined for the plain manifests. */
  readonly values: string;
  /** Where the text is, from the repository's root. */
  readonly file: string;
  /** Plain manifests have neither hooks nor the marks of helm. */
  readonly plain?: 'base' | 'cleanup';
}

export const renderings: readonly Rendering[] = [
  { values: 'deploy/kubernetes/values.yaml', file: 'deploy/kubernetes/base/shoal.yaml', plain: 'base' },
  { values: 'deploy/kubernetes/values.yaml', file: 'deploy/kubernetes/cleanup/shoal.yaml', plain: 'cleanup' },
  ...['default', 'everything', 'host-network'].map((name) => ({
    values: `test/deploy/values/${name}.yaml`,
    file: `test/deploy/rendered/${name}.yaml`,
  })),
];

export const hasHelm = (): boolean => {
  try {
    execFileSync('helm', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** A hash of all that a rendering comes from. */
export const sourceHash = ({ values }: Rendering): string => {
  const hash = createHash('sha256');
  const files = globSync('{Chart.yaml,values.yaml,templates/**/*.*}', { cwd: chart }).toSorted();
  for (const file of files) hash.update(file).update(readFileSync(path.join(chart, file)));
  return hash.update(readFileSync(path.join(root, values))).digest('hex');
};

const documents = (text: string): string[] => text.split(/^---$/m).filter((document) => document.trim() !== '');

const isHook = (document: string): boolean => document.includes('helm.sh/hook:');
const isMonitoring = (document: string): boolean =>
  /^# Source: shoal\/templates\/monitoring\/(rules|dash)/m.test(document);

/** A manifest without what only helm reads. */
const plainDocument = (document: string): string =>
  document
    .replaceAll(/^ *(helm\.sh\/chart|helm\.sh\/hook[a-z-]*|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
    .replaceAll(/^# Source: .*\n/gm, '')
    .replaceAll(/^ +annotations:\n(?! {4})/gm, '');

const chosen = (document: string, plain: Rendering['plain']): boolean => {
  if (plain === 'base') return !isHook(document);
  if (plain === 'cleanup') return isHook(document) && document.includes('kind: DaemonSet');
  return !isMonitoring(document);
};

/** @throws Error with helm's message when it refuses the values */
export const helmTemplate = (values: string): string =>
  execFileSync(
    'helm',
    [
      'template',
      'shoal',
      chart,
      '--namespace',
      'shoal',
      '--kube-version',
      '1.34.0',
      '--values',
      path.join(root, values),
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] },
  );

/** What the file of a rendering has to hold; rules and dashboards are left out, they have a home of their own. */
export const render = (rendering: Rendering): string => {
  const { plain, values } = rendering;
  const wanted = documents(helmTemplate(values)).filter((document) => chosen(document, plain));
  const texts = plain ? wanted.map(plainDocument) : wanted;
  return `${header(rendering)}---${texts.join('---')}`;
};

export const header = (rendering: Rendering): string =>
  `# Made by deploy/helm/generate.ts from ${rendering.values} and the chart of state ${sourceHash(rendering)}.\n`;

export const rendered = ({ file }: Rendering): string => readFileSync(path.join(root, file), 'utf8');

export const writeRendering = (rendering: Rendering): void => {
  const file = path.join(root, rendering.file);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, render(rendering));
};
