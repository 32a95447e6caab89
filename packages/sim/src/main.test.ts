import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.ts';
import { scenarios } from './scenarios.ts';

const run = (...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });

test('runs a scenario of a seed, for people and as JSON, byte for byte the same each time', () => {
  const json = run('--scenario', 'small-16', '--seed', '5', '--json');
  assert.equal(json.status, 0, json.stderr);
  const report = JSON.parse(json.stdout) as Report;
  assert.deepEqual([report.scenario, report.seed, report.completed], ['small-16', 5, 16]);
  for (const key of ['makespanS', 'p50S', 'p99S', 'p999S', 'boundS', 'firstByteP50S', 'firstByteP99S'] as const)
    assert.ok(report[key] > 0, key);
  for (const key of ['makespanRatio', 'p50Ratio', 'p99Ratio', 'p999Ratio', 'originCopies'] as const)
    assert.ok(report[key] >= 1, key);
  assert.ok(report.duplicateRatio >= 0);
  assert.equal(run('--scenario', 'small-16', '--seed', '5', '--json').stdout, json.stdout);
  assert.match(run('--scenario', 'small-16', '--scale', '0.1').stdout, /^completed +2$/m);
});

test('runs several seeds in one go, each as it runs alone, and gives their medians', () => {
  const several = run('--scenario', 'small-16', '--scale', '0.2', '--seeds', '5,6,7', '--json').stdout;
  const alone = ['5', '6', '7'].map((seed) =>
    run('--scenario', 'small-16', '--scale', '0.2', '--seed', seed, '--json'),
  );
  assert.equal(several, alone.map(({ stdout }) => stdout).join(''));
  const copies = alone.map(({ stdout }) => (JSON.parse(stdout) as Report).originCopies).toSorted((a, b) => a - b);
  const text = run('--scenario', 'small-16', '--scale', '0.2', '--seeds', '5,6,7').stdout;
  assert.match(text, new RegExp(`^medians: .*originCopies ${copies[1]}\\n$`, 'm'));
});

test('draws the completion curve and the heat map', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-sim-'));
  try {
    const file = join(folder, 'plot.svg');
    assert.equal(run('--scenario', 'small-16', '--scale', '0.25', '--plot', file).status, 0);
    const svg = readFileSync(file, 'utf8');
    assert.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
    assert.equal(svg.match(/<polyline/g)?.length, 2);
    assert.ok((svg.match(/<rect/g)?.length ?? 0) > 100);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a sensitivity is a table with a row a value', () => {
  const { stdout, stderr } = run('--sensitivity', 'slots', '--seeds', '1', '--scale', '0.004');
  assert.equal(stdout.match(/^\| \d+,\d+ \|/gm)?.length, 8, stderr);
});

test('lists the scenarios with what they are', () => {
  const lines = run('--list').stdout.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    Object.keys(scenarios),
  );
});

test('bad input is named and ends with 2', () => {
  for (const args of [
    ['--scenario', 'toString'],
    ['--seed', 'x'],
    ['--seed', '-1'],
    ['--scale', '0'],
    ['--seeds', '0'],
    ['--seeds', '1,,2'],
    ['--seeds', '1,2', '--plot', 'x.svg'],
    ['--sensitivity', 'slots', '--seeds', '1,2'],
    ['--sensitivity', 'mood'],
    ['--speed'],
    ['small-16'],
  ]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /usage: /);
  }
});
