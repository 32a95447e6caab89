import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestBytes } from '../testing/registry-client.ts';
import { startOrigin } from '../testing/test-origin.ts';
import type { ColdProvider } from './cold-source.ts';

test('a source that gives one byte a connection is given up', async () => {
  const bytes = randomBytes(1_000_000);
  const digest = digestBytes(bytes);
  const opens: number[] = [];
  const provider: ColdProvider = {
    find: async (repository) => ({
      repository,
      size: bytes.length,
      open: async (offset) => {
        opens.push(offset);
        return oneByte(bytes.subarray(offset));
      },
    }),
  };
  await using origin = await startOrigin({}, { coldProviders: [provider] });
  await assert.rejects(origin.client.call('GET', `/v2/team/app/blobs/${digest}`), /other side closed/);
  assert.deepEqual(opens, [0, 1, 2, 3]);
  assert.equal((await origin.client.call('HEAD', `/v2/team/app/blobs/${digest}`)).status, 200);
  assert.equal(opens.length, 4);
});

const oneByte = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1);
  throw new Error('the connection broke');
};
