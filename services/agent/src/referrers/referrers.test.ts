import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import {
  digestOfBytes,
  eventually,
  pullImage,
  pushBlob,
  pushImage,
  type TestAgent,
  urlOf,
  World,
} from '../testing/world.ts';

/** A busy machine is no origin that does not answer. */
const patient = { originMs: 60_000, peerMs: 20_000, trackerMs: 20_000, firstByteMs: 60_000 };
const image = 'application/vnd.oci.image.manifest.v1+json';
const up = 'up.example.com_5000/team/app';

/** A manifest about another one, as cosign and oras attach them. */
const artifact = (subject: { digest: string; size: number }, artifactType: string, blob: string): string => {
  const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOfBytes(Buffer.from('{}')), size: 2 };
  const layers = [{ mediaType: 'text/plain', digest: blob, size: 9 }];
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: image,
    artifactType,
    config: empty,
    layers,
    subject: { mediaType: image, ...subject },
  });
};

const put = async (world: World, reference: string, text: string): Promise<string> => {
  const url = `${urlOf(world.origin.addresses.registry)}/v2/team/app/manifests/${reference}`;
  const answer = await fetch(url, { method: 'PUT', body: text, headers: { 'content-type': image } });
  assert.equal(answer.status, 201, await answer.text());
  return digestOfBytes(Buffer.from(text));
};

/** What cosign does: the digest of the image, what refers to it, and each of these with its blobs; then the older tag. */
const verifies = async (agent: TestAgent, repository: string, tag: string): Promise<string[]> => {
  const digest = (await agent.get(`/v2/${repository}/manifests/${tag}`, {}, 'HEAD')).headers.get(
    'docker-content-digest',
  )!;
  const listed = await agent.get(`/v2/${repository}/referrers/${digest}`);
  assert.equal(listed.status, 200, await listed.clone().text());
  const { manifests } = (await listed.json()) as { manifests: { digest: string }[] };
  for (const referrer of manifests) await pullImage(agent, repository, referrer.digest);
  const { status } = await agent.get(`/v2/${repository}/manifests/${digest.replace(':', '-')}.sig`);
  return [...manifests.map((referrer) => referrer.digest), String(status), listed.headers.get('warning') ?? ''];
};

test('signatures that one node has verified are found by all nodes while no origin answers', async () => {
  await using world = await World.start();
  const agents = await Promise.all(['a', 'b'].map((name) => world.agent(name, { deadlines: patient })));
  const [knowing, other] = agents as [TestAgent, TestAgent];
  const pushed = await pushImage(world.origin, 'team/app', 'v1', [1000]);
  await pushBlob(world.origin, 'team/app', Buffer.from('{}'));
  const blob = await pushBlob(world.origin, 'team/app', Buffer.from('signature'));
  const subject = { digest: pushed.digest, size: pushed.manifest.length };
  const text = artifact(subject, 'application/vnd.dev.cosign.artifact.sig.v1+json', blob);
  const signature = await put(world, digestOfBytes(Buffer.from(text)), text);
  await put(world, `${pushed.digest.replace(':', '-')}.sig`, text);
  assert.deepEqual(await verifies(knowing, 'team/app', 'v1'), [signature, '200', '']);
  const bare = await pushImage(world.origin, 'team/app', 'unsigned', [10]);
  const none = await knowing.get(`/v2/team/app/referrers/${bare.digest}`);
  assert.deepEqual(((await none.json()) as { manifests: unknown[] }).manifests, []);
  await world.origin.stop();
  for (const agent of agents) {
    const [digest, tagged, warning] = await verifies(agent, 'team/app', 'v1');
    assert.deepEqual([digest, tagged, warning?.slice(0, 4)], [signature, '200', '110 ']);
  }
  const filtered = await other.get(`/v2/team/app/referrers/${pushed.digest}?artifactType=text/other`);
  assert.deepEqual(((await filtered.json()) as { manifests: unknown[] }).manifests, []);
  assert.equal(filtered.headers.get('oci-filters-applied'), 'artifactType');
  // That there is none is known too, where an origin has said so.
  const still = await other.get(`/v2/team/app/referrers/${bare.digest}`);
  assert.deepEqual([still.status, ((await still.json()) as { manifests: unknown[] }).manifests], [200, []]);
  const unknown = digestOfBytes(Buffer.from('never asked'));
  assert.equal((await other.get(`/v2/team/app/referrers/${unknown}`)).status, 503);
  assert.ok((await other.metric('referrers_stale_total')) >= 2);
  await world.restartOrigin();
  await eventually(async () => (await other.get(`/v2/team/app/referrers/${unknown}`)).status === 200);
});

test('a node that starts again with no origin still knows, and tells', async () => {
  await using world = await World.start();
  const { digest } = await pushImage(world.origin, 'team/app', 'v1', [10]);
  const path = `/v2/team/app/referrers/${digest}`;
  const other = await world.agent('b', { deadlines: patient });
  {
    await using agent = await world.agent('a', { deadlines: patient });
    assert.equal((await agent.get(path)).status, 200);
  }
  await world.origin.stop();
  assert.equal((await other.get(path)).status, 503, 'who knew is gone');
  await using again = await world.agent('a', { deadlines: patient });
  assert.equal((await again.get(path)).status, 200);
  await eventually(async () => (await other.get(path)).status === 200);
});

test('with every origin down an agent that may asks the registry itself, by the API and by the tag', async () => {
  await using fake = await FakeUpstream.start();
  await using world = await World.start();
  const upstreams = { registries: [{ host: 'up.example.com:5000', url: fake.url, insecure: true }] };
  const agent = await world.agent('a', { upstreams, deadlines: patient });
  await world.origin.stop();
  const { digest } = fake.addImage('team/app', 'v1', [10]);
  fake.addBlob(Buffer.from('{}'));
  const blob = fake.addBlob(Buffer.from('signature'));
  const text = artifact({ digest, size: 5 }, 'text/sig', blob);
  assert.deepEqual((await verifies(agent, up, 'v1')).slice(0, -1), ['404'], 'nothing refers to it');
  const signature = fake.addManifest('team/app', `${digest.replace(':', '-')}.sig`, text);
  const index = { schemaVersion: 2, manifests: [{ mediaType: image, digest: signature, size: text.length }] };
  fake.addManifest('team/app', digest.replace(':', '-'), JSON.stringify(index));
  const [found, tagged, warning] = await verifies(agent, up, 'v1');
  assert.deepEqual([found, tagged, warning?.slice(0, 4)], [signature, '200', '111 ']);
});
