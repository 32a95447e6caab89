import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullImage, pushImage, urlOf, World } from '../testing/world.ts';

/** A busy machine is no origin that does not answer. */
const patient = { originMs: 60_000, peerMs: 20_000, trackerMs: 20_000, firstByteMs: 60_000 };
const indexType = 'application/vnd.oci.image.index.v1+json';

test('while no origin answers a manifest is given when its blobs can be had, and not when they cannot', async () => {
  await using world = await World.start();
  const [one, other, third] = await Promise.all(
    ['a', 'b', 'c'].map((name) => world.agent(name, { deadlines: patient })),
  );
  const whole = await pushImage(world.origin, 'team/app', 'whole', [600_000, 10]);
  const part = await pushImage(world.origin, 'team/app', 'part', [600_000, 10]);
  const manifests = [part, whole].map(({ digest, manifest, mediaType }) => ({
    mediaType,
    digest,
    size: manifest.length,
  }));
  const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
  const url = `${urlOf(world.origin.addresses.registry)}/v2/team/app/manifests/index`;
  const answer = await fetch(url, { method: 'PUT', body: index, headers: { 'content-type': indexType } });
  assert.equal(answer.status, 201);
  await pullImage(one!, 'team/app', 'whole');
  // Of this one the layers are nowhere but at the origin.
  for (const path of ['part', part.digest, 'index'])
    assert.equal((await one!.get(`/v2/team/app/manifests/${path}`)).status, 200);
  const statusOf = async (agent: typeof one, path: string, method = 'GET'): Promise<number> => {
    const { status } = await agent!.get(`/v2/team/app/manifests/${path}`, {}, method);
    return status;
  };
  await world.origin.stop();
  // The first question finds out that nobody answers.
  await one!.get('/v2/team/app/manifests/part', {}, 'HEAD');
  for (const path of ['part', part.digest]) assert.equal(await statusOf(one, path), 503, path);
  assert.equal(await statusOf(one, 'part', 'HEAD'), 200);
  for (const agent of [one, other, third]) {
    assert.equal(await pullImage(agent!, 'team/app', 'whole'), whole.digest);
    assert.equal(await statusOf(agent, 'index'), 200, 'one of its images can be had');
  }
  await world.restartOrigin();
  assert.equal(await pullImage(one!, 'team/app', 'part'), part.digest);
});
