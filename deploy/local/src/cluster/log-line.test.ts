import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableLine } from './log-line.ts';

test('a line of the log is shown with its process, level, message and fields', () => {
  const line = '{"level":"warn","time":"2026-11-22T18:20:51Z","service":"agent","peer":"ab","piece":7,"msg":"corrupt"}';
  assert.equal(readableLine('agent-1', line, 'warn'), 'agent-1   warn  corrupt peer=ab piece=7');
});

test('what is below the level is not shown, what is no JSON is', () => {
  assert.equal(readableLine('agent-1', '{"level":"info","msg":"ready"}', 'warn'), undefined);
  assert.equal(readableLine('agent-1', '{"level":"info","msg":"ready"}', 'trace'), 'agent-1   info  ready');
  assert.equal(readableLine('agent-1', '{"level":"odd","msg":"x"}', 'fatal'), 'agent-1   odd   x');
  assert.equal(readableLine('agent-1', '  at main.ts:1', 'warn'), 'agent-1     at main.ts:1');
  assert.equal(readableLine('agent-1', '{not json', 'warn'), 'agent-1   {not json');
  assert.equal(readableLine('agent-1', '', 'trace'), undefined);
});

test('an error is shown by its stack', () => {
  const line = JSON.stringify({
    level: 'fatal',
    err: { type: 'Error', stack: 'Error: no\n  at x' },
    msg: 'start failed',
  });
  assert.equal(readableLine('origin', line, 'warn'), 'origin    fatal start failed err=Error: no\n  at x');
});
