import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findTool, requireTool, skipBecause } from '../support/external.ts';

test('a program in PATH is found, another one is not', () => {
  assert.match(findTool('sh') ?? '', /\/sh$/);
  assert.equal(findTool('no-such-program-of-shoal'), undefined);
  assert.equal(findTool('sh', '/nowhere'), undefined);
  assert.equal(requireTool('sh'), false);
});

test('a missing program skips the test with a reason, or fails where skipping is forbidden', () => {
  assert.equal(skipBecause('x is not installed', false), 'x is not installed');
  assert.throws(() => skipBecause('x is not installed', true), /x is not installed; SHOAL_REQUIRE_EXTERNAL=1/);
  assert.equal(skipBecause(false, true), false);
});
