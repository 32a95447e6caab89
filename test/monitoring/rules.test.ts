import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { requireTool } from '../support/external.ts';
import { emitted, metricsIn } from './promql.ts';

const root = path.join(import.meta.dirname, '../..');
const folder = path.join(root, 'deploy/monitoring/rules');

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const { groups } = parse(readFileSync(path.join(folder, 'shoal.yml'), 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);

const promtool = (...args: string[]): void => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
};

test('promtool accepts the rules', { skip: requireTool('promtool') }, () => promtool('check', 'rules', 'shoal.yml'));

test('the rules do what their tests say', { skip: requireTool('promtool') }, () =>
  promtool('test', 'rules', 'tests/shoal_test.yml'),
);

test('every alert fires in a test', () => {
  const cases = readFileSync(path.join(folder, 'tests/shoal_test.yml'), 'utf8');
  assert.deepEqual(
    alerts.map(({ alert }) => alert).filter((alert) => !cases.includes(`alertname="${alert}"`)),
    [],
  );
});

test('every alert says how bad it is, what is wrong, and where to read what to do', () => {
  const operating = readFileSync(path.join(root, 'docs/OPERATING.md'), 'utf8');
  for (const { alert = '', labels, annotations } of alerts) {
    assert.match(labels?.['severity'] ?? '', /^(critical|warning|info)$/, alert);
    assert.ok(annotations?.['summary'] && annotations['description'], `${alert} needs a summary and a description`);
    assert.equal(annotations['runbook_url'], `docs/OPERATING.md#${alert.toLowerCase()}`);
    assert.ok(operating.includes(`\n### ${alert}\n`), `docs/OPERATING.md has no section ${alert}`);
  }
  const sections = [...operating.matchAll(/^### (Shoal\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    sections,
    alerts.map(({ alert }) => alert),
    'the sections of docs/OPERATING.md, in this order',
  );
});

test('every rule reads metrics that are emitted or recorded', () => {
  const known = new Set([...emitted, ...rules.map(({ record }) => record)]);
  for (const { alert, record, expr } of rules) {
    const unknown = metricsIn(expr).filter((name) => !known.has(name));
    assert.deepEqual(unknown, [], `${alert ?? record} reads what nobody emits`);
  }
});

test('the metrics of an expression are found wherever they stand', () => {
  const expression =
    'sum by (a, b) (rate(x_total{c="d{e}"}[5m])) / on (f) group_left (g) (y:z > 0) and on () h or {__name__=~"i"}';
  assert.deepEqual(metricsIn(expression), ['x_total', 'y:z', 'h']);
});
