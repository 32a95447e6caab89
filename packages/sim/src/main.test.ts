import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.ts';
import { scenarios } from './scenarios.ts';

const run = (...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });

test('runs a scenario of a seed, for people and as JSON', () => {
  const json = run('--scenario', 'one-to-one', '--seed', '5', '--json');
  assert.equal(json.status, 0, json.stderr);
  const report = JSON.parse(json.stdout) as Report;
  assert.deepEqual([report.scenario, report.seed, report.completed], ['one-to-one', 5, 1]);
  assert.match(run('--scenario', 'one-to-one').stdout, /^ratio +1\.\d+$/m);
});

test('lists the scenarios', () => {
  assert.deepEqual(run('--list').stdout.trim().split('\n'), Object.keys(scenarios));
});

test('bad input is named and ends with 2', () => {
  for (const args of [['--scenario', 'toString'], ['--seed', 'x'], ['--seed', '-1'], ['--speed'], ['small-16']]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /usage: /);
  }
});
