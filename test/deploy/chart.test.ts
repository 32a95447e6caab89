/** The chart: what is made from it is current, and its values are checked. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { chart, generated } from '../../deploy/helm/generated.ts';
import { hasHelm, header, helmTemplate, render, rendered, renderings } from '../../deploy/helm/render.ts';
import { parseManifests, root } from './manifests.ts';

const howTo = 'run `npm run docs` with helm in PATH (go install helm.sh/helm/v3/cmd/helm@latest)';

for (const [file, text] of generated()) {
  test(`${file} of the chart is current`, () => {
    assert.ok(readFileSync(path.join(chart, file), 'utf8') === text, 'run `npm run docs`');
  });
}

// Without helm the hash of what a file was rendered from has to do.
for (const rendering of renderings) {
  test(`${rendering.file} is what the chart renders`, () => {
    const text = rendered(rendering);
    if (hasHelm()) assert.ok(text === render(rendering), howTo);
    else assert.ok(text.startsWith(header(rendering)), howTo);
  });
}

type Values = Readonly<Record<string, unknown>>;

const readValues = (file: string): Values => (parse(readFileSync(file, 'utf8')) ?? {}) as Values;

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values over defaults, as helm merges them before it checks. */
const merge = (under: Values, over: Values): Values => {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isMap(value) && isMap(below) ? merge(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(entries) };
};

const defaults = readValues(path.join(chart, 'values.yaml'));
const schema = readValues(path.join(chart, 'values.schema.json'));
const check = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false }).compile(schema);

const problems = (values: Values): string => {
  check(merge(defaults, values));
  return (check.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .join('\n');
};

test('the values of the renderings are accepted', () => {
  assert.equal(problems({}), '');
  for (const { values } of renderings) assert.equal(problems(readValues(path.join(root, values))), '', values);
});

test('several trackers are accepted with any common Redis', () => {
  for (const redis of [{ enabled: true }, { url: 'redis://redis:6379' }]) {
    assert.equal(problems({ tracker: { replicas: 3 }, redis }), '');
  }
  const config = { redis: { clusterNodes: ['redis:6379'] } };
  assert.equal(problems({ tracker: { replicas: 3, config } }), '');
});

const refused: readonly [string, Values, RegExp][] = [
  ['a second origin', { origin: { replicas: 2 } }, /\/origin\/replicas/],
  ['a second tracker without a common Redis', { tracker: { replicas: 2 } }, /must match "then" schema/],
  ['two kinds of Redis', { redis: { enabled: true, url: 'redis://redis:6379' } }, /must NOT be valid/],
  ['a value that is not known', { agent: { hostNetwrok: true } }, /hostNetwrok/],
  ['a key that the agent does not know', { agent: { config: { cache: { quota: 1 } } } }, /"quota"/],
  ['a key that the chart sets itself', { agent: { config: { pieces: { port: 1 } } } }, /"pieces"/],
  ['a size that is none', { agent: { config: { cache: { quotaBytes: '5 parsecs' } } } }, /\/quotaBytes must match/],
  ['a secret that is too short', { secret: { clusterSecret: 'short' } }, /\/secret\/clusterSecret/],
  ['a listener on one address', { listenHost: '10.0.0.1' }, /\/listenHost/],
];

for (const [what, values, message] of refused) {
  test(`${what} is refused`, () => assert.match(problems(values), message));
}

// What helm alone can show; the rest of the chart is checked by what it was rendered to.
const withHelm = hasHelm() ? test : async () => undefined;

const helm = (input: string, ...args: string[]): { readonly status: number | null; readonly stderr: string } =>
  spawnSync('helm', args, { cwd: root, input, encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * MiB });

for (const values of new Set(renderings.map((rendering) => rendering.values))) {
  void withHelm(`helm finds nothing to say about the chart with ${values}`, () => {
    const { status, stderr } = helm('', 'lint', '--strict', '--values', values, chart);
    assert.equal(status, 0, stderr);
  });
}

for (const [what, values] of refused) {
  void withHelm(`helm refuses ${what}`, () => {
    const { status, stderr } = helm(JSON.stringify(values), 'template', 'shoal', chart, '--values', '-');
    assert.equal(status, 1);
    assert.match(stderr, /values don't meet the specifications of the schema/);
  });
}

void withHelm('rules and dashboards of the chart are those of deploy/monitoring', () => {
  const manifests = parseManifests(helmTemplate('test/deploy/values/everything.yaml'));
  const rules = manifests.filter(({ kind }) => kind === 'PrometheusRule');
  assert.deepEqual(
    rules.map(({ spec }) => spec),
    [readValues(path.join(root, 'deploy/monitoring/rules/shoal.yml'))],
  );
  const dashboards = manifests.filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1');
  assert.ok(dashboards.length > 0);
  for (const { data = {} } of dashboards) {
    for (const [name, text] of Object.entries(data)) {
      assert.equal(text, readFileSync(path.join(root, 'deploy/monitoring/dashboards', name), 'utf8'));
    }
  }
});
