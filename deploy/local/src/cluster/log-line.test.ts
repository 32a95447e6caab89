import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableLine, warnLevel } from './log-line.ts';

test('a line of the log is shown with its process, level, message and fields', () => {
  const line = '{"level":40,"time":1,"pid":7,"hostname":"h","msg":"the piece is corrupt","peer":"ab","piece":7}';
  assert.equal(readableLine('agent-1', line, warnLevel), 'agent-1   warn  the piece is corrupt peer=ab piece=7');
});

test('what is below the level is not shown, what is no JSON is', () => {
  assert.equal(readableLine('agent-1', '{"level":30,"msg":"ready"}', warnLevel), undefined);
  assert.equal(readableLine('agent-1', '  at main.ts:1', warnLevel), 'agent-1     at main.ts:1');
  assert.equal(readableLine('agent-1', '{not json', warnLevel), 'agent-1   {not json');
  assert.equal(readableLine('agent-1', '', warnLevel), undefined);
});
