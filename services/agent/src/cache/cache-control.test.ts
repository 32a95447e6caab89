import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, MiB } from '@shoal/core';
import { eventually, pushImage, type TestAgent, urlOf, World } from '../testing/world.ts';

interface Listing {
  readonly pinnedBytes: number;
  readonly blobs: readonly { readonly digest: Digest; readonly size: number; readonly pinned: boolean }[];
}

const act = async (agent: TestAgent, action: string, digests: readonly string[], headers: object = {}) => {
  const answer = await fetch(`${urlOf(agent.agent.addresses.debug)}/debug/cache`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ action, digests }),
  });
  const body = (await answer.json()) as { results?: { outcome: string }[]; code?: string };
  return { status: answer.status, code: body.code, outcomes: body.results?.map(({ outcome }) => outcome) };
};

const digestsIn = async (agent: TestAgent): Promise<Digest[]> =>
  (await agent.dump<Listing>('cache')).blobs.map(({ digest }) => digest);

test('a cache is listed, pinned and emptied by hand, but not under a reader', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { cache: { quotaBytes: '8MiB' } });
  const { layers } = await pushImage(world.origin, 'team/app', '1', [2 * MiB, 4 * MiB, 3 * MiB]);
  const [first, second, third] = layers.map(({ digest }) => digest);
  assert.ok(first && second && third);
  await agent.blob('team/app', first);
  await agent.blob('team/app', second);
  assert.deepEqual(await act(agent, 'pin', [first]), { status: 200, code: undefined, outcomes: ['pinned'] });
  assert.deepEqual((await act(agent, 'pin', [first])).outcomes, ['unchanged']);
  assert.deepEqual(await act(agent, 'pin', [third]), { status: 404, code: 'NOT_CACHED', outcomes: undefined });
  await agent.blob('team/app', third);
  assert.deepEqual((await digestsIn(agent)).toSorted(), [first, third].toSorted(), 'the pinned one is not evicted');
  assert.equal(await agent.metric('cache_pinned_bytes'), 2 * MiB);
  assert.deepEqual((await act(agent, 'remove', [first, third, second])).outcomes, ['pinned', 'removed', 'absent']);
  assert.equal(await agent.metric('cache_purged_bytes_total'), 3 * MiB);
  assert.deepEqual((await agent.dump<{ seeds: string[] }>('swarms')).seeds, [first]);

  assert.deepEqual((await act(agent, 'unpin', [first])).outcomes, ['unpinned']);
  const answer = await agent.get(`/v2/team/app/blobs/${second}`);
  const reader = answer.body?.getReader();
  await reader?.read();
  assert.deepEqual((await act(agent, 'remove', [second])).outcomes, ['in use']);
  await reader?.cancel();
  await eventually(async () => (await act(agent, 'remove', [second])).outcomes?.[0] === 'removed');
  assert.equal((await agent.blob('team/app', second)).length, 4 * MiB, 'it can be pulled again');
});

test('no web page can have it done', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  const digest = `sha256:${'a'.repeat(64)}`;
  assert.equal((await act(agent, 'remove', [digest], { origin: 'http://evil.example' })).status, 403);
  assert.equal((await act(agent, 'remove', [digest], { 'content-type': 'text/plain' })).status, 403);
  assert.deepEqual(await act(agent, 'drop', [digest]), { status: 400, code: 'INVALID_VALUE', outcomes: undefined });
  assert.equal((await act(agent, 'remove', [digest])).status, 200);
});
