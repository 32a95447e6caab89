import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNode } from './testing/node.ts';

test('a dial that a limit of this node forbids says so, one that fails does not', async () => {
  await using listener = await startNode();
  for (const limits of [{ dialsMax: 0 }, { linksMax: 0 }]) {
    await using dialer = await startNode({ limits });
    await assert.rejects(dialer.dial(listener), { code: 'DIAL_FAILED', local: true });
  }
  await using dialer = await startNode();
  await assert.rejects(dialer.endpoint.dial(dialer.address), { code: 'DIAL_FAILED', local: false });
});
