import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { report } from './report.ts';
import { problemsOf } from './run.ts';

const pull = { durationMs: 4000, firstByteMs: 50, bytes: 256 * MiB, mismatches: [] };
const result = {
  imageBytes: 256 * MiB,
  agents: [
    { name: 'agent-1', pull, peers: 200 * MiB, origin: 56 * MiB, http: 0 },
    { name: 'agent-2', pull, peers: 180 * MiB, origin: 76 * MiB, http: 0 },
  ],
  originSentBytes: 300 * MiB,
  makespanMs: 4100,
  warmMs: 2050,
};

test('the report has a row an agent and one line with the copies the origin sent', () => {
  const lines = report(result);
  assert.match(lines.join('\n'), /^agent-1 +4\.00 s +0\.05 s +200\.0 MiB +56\.0 MiB +0 B$/m);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('origin copies: ')),
    ['origin copies: 1.17'],
  );
  assert.match(lines.join('\n'), /^makespan: 4\.10 s, 2\.00 times the lower bound of 2\.05 s$/m);
});

test('a run with all bytes accounted for has no problems, one with bytes missing has', () => {
  assert.deepEqual(problemsOf(result), []);
  assert.match(problemsOf({ ...result, originSentBytes: 0 }).join(), /less than one copy/);
  assert.match(problemsOf({ ...result, imageBytes: 256 * MiB + 1 }).join(), /agent-1: received/);
});
