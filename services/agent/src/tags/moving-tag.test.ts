import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { eventually, pushImage, World } from '../testing/world.ts';

test('a tag that moves is seen by the next request when it is pushed here, and after the configured time upstream', async () => {
  await using fake = await FakeUpstream.start();
  const entry = { host: 'up.example.com:5000', url: fake.url, insecure: true };
  const upstreams: object = { upstreams: { registries: [entry], tagRevalidateMs: '300ms', hurriedMs: '30s' } };
  await using world = await World.start(upstreams);
  const deadlines = { originMs: 60_000, upstreamMs: 60_000, firstByteMs: 60_000 };
  await using agent = await world.agent('a', { deadlines });
  let requests = 0;
  const digestOf = async (repository: string): Promise<string | null> => {
    requests++;
    const answer = await agent.get(`/v2/${repository}/manifests/latest`, {}, 'HEAD');
    return answer.headers.get('docker-content-digest');
  };
  for (let round = 0; round < 3; round++) {
    const own = await pushImage(world.origin, 'team/app', 'latest', [10]);
    assert.equal(await digestOf('team/app'), own.digest);
  }
  requests = 0;
  for (let round = 0; round < 2; round++) {
    const { digest } = fake.addImage('team/app', 'latest', [10]);
    await eventually(async () => (await digestOf('up.example.com_5000/team/app')) === digest, 60_000);
  }
  const asked = fake.asked('HEAD', '/manifests/latest') + fake.asked('GET', '/manifests/latest');
  assert.ok(asked >= 2 && asked <= requests);
});
