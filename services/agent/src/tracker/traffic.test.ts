import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSwarmId } from '@shoal/core';
import { Traffic } from './traffic.ts';

const [one, two] = [parseSwarmId('1'.repeat(64)), parseSwarmId('2'.repeat(64))];

test('counts what passes, by swarm what is sent, and passes it on', () => {
  const passed: unknown[] = [];
  const traffic = new Traffic();
  const events = traffic.counting({
    pieceReceived: (...all) => void passed.push(all),
    bytesSent: (...all) => void passed.push(all),
    requestRejected: (reason) => void passed.push(reason),
  });
  events.pieceReceived?.('agent', 10, one, 'z');
  events.pieceReceived?.('http', 5, one, undefined);
  events.bytesSent?.('agent', 7, one);
  events.bytesSent?.('agent', 3, two);
  events.requestRejected?.('gone');
  assert.deepEqual([traffic.receivedBytes, traffic.sentBytes], [15, 10]);
  assert.deepEqual([traffic.sentOf(one), traffic.sentOf(two)], [7, 3]);
  assert.deepEqual(passed, [
    ['agent', 10, one, 'z'],
    ['http', 5, one, undefined],
    ['agent', 7, one],
    ['agent', 3, two],
    'gone',
  ]);
});
