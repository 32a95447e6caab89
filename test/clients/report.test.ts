import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Outcome } from './cell.ts';
import type { Cell } from './cell.ts';
import { parseArguments } from './arguments.ts';
import { withGenerated } from './document.ts';
import { markdown, problems, shortReason } from './report.ts';

const ok: Outcome = { kind: 'ok', seconds: 1.25, from: 'agent' };
const failed: Outcome = { kind: 'failed', seconds: 2, reason: 'no' };
const cell = (way: Cell['way'], fault: string, outcome: Outcome): Cell => ({ client: 'skopeo', way, fault, outcome });
const matrix = (...cells: Cell[]) => ({ clients: [{ name: 'skopeo', version: '1.9.3' }], cells });

describe('a pull that fails with Shoal', () => {
  const fails = cell('own name', 'truncated', failed);

  test('is a problem when it works without', () => {
    assert.equal(problems(matrix(fails, cell('plain registry', 'truncated', ok))).length, 1);
  });

  test('is none when it fails without Shoal too', () => {
    assert.deepEqual(problems(matrix(fails, cell('plain registry', 'truncated', failed))), []);
  });

  test('is a problem when it was not compared, and with wrong bytes always', () => {
    assert.equal(problems(matrix(fails)).length, 1);
    const wrong = cell('mirror', 'truncated', { kind: 'wrong', reason: 'x' });
    assert.equal(problems(matrix(wrong, cell('plain registry', 'truncated', failed))).length, 1);
  });

  test('is compared with the fault that stands for it', () => {
    const same = cell('own name', 'stalled at origin', failed);
    assert.deepEqual(problems(matrix(same, cell('plain registry', 'stalled', failed))), []);
    const down = cell('own name', 'origin down', failed);
    assert.equal(problems(matrix(down, cell('plain registry', 'healthy', ok))).length, 1);
  });
});

test('a fault that did not happen is a problem', () => {
  const idle = cell('own name', 'slow', { kind: 'not run', reason: 'the fault did not happen' });
  assert.equal(problems(matrix(idle)).length, 1);
});

test('the tables show seconds, fallbacks, failures and what was not run', () => {
  const text = markdown(
    {
      clients: [
        { name: 'skopeo', version: '1.9.3' },
        { name: 'oras', version: undefined, missing: 'not installed' },
      ],
      cells: [
        cell('own name', 'truncated', ok),
        cell('mirror', 'truncated', { ...ok, from: 'registry' }),
        cell('mirror', 'healthy', failed),
        cell('plain registry', 'healthy', ok),
        cell('plain registry', 'truncated', failed),
      ],
    },
    '2026-11-23',
  );
  for (const row of [
    '| skopeo 1.9.3 | **1.3 s** |',
    '| skopeo 1.9.3 | FAILS | **1.3 s R** |',
    '| skopeo 1.9.3 | 1.3 s | fails |',
    '| oras | not run: not installed |',
    '- skopeo, mirror, healthy: failed after 2.0 s: no (worse)',
  ])
    assert.ok(text.includes(row), `${row} in\n${text}`);
});

test('a reason is the last line, without addresses and digests', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  assert.equal(shortReason(`first\nGet 127.0.0.1:4711 ${digest}: EOF\n`), 'Get 127.0.0.1 sha256:...: EOF');
});

test('a name of the command line stands for all that begin with it, an unknown one is refused', () => {
  const { client, fault, whole } = parseArguments(['--only', 'client=containerd|podman,fault=stalled']);
  assert.deepEqual(client, [
    'containerd, ctr',
    'containerd, CRI',
    'containerd of Debian sid, ctr',
    'containerd of Debian sid, CRI',
    'podman',
  ]);
  assert.deepEqual([fault, whole], [['stalled'], false]);
  assert.equal(parseArguments([]).whole, true);
  assert.throws(
    () => parseArguments(['--only', 'fault=hail']),
    /--only: fault "hail" is not allowed; allowed are healthy/,
  );
  assert.throws(() => parseArguments(['--only', 'taste=good']), /allowed are client, fault, way/);
  assert.throws(() => parseArguments(['--lanes', '0']), /--lanes: "0"/);
});

test('the generated part of the document is replaced, the rest is kept', () => {
  const document = 'a\n<!-- begin: written by npm run test:clients -->\nold\n<!-- end -->\nz\n';
  const written = withGenerated(document, 'new');
  assert.match(written, /^a\n<!-- begin[^\n]*\n\nnew\n\n<!-- end -->\nz\n$/);
  assert.equal(withGenerated(written, 'new'), written);
  assert.throws(() => withGenerated('nothing', 'new'), /no lines/);
});
