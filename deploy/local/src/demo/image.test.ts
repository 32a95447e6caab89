import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { imageConfig, imageManifest, layerBytes, layerDescriptor, planLayers, sha256Digest } from './image.ts';

const archive = async (size: number, seed: string): Promise<Buffer> => {
  const [plan] = planLayers(size, 1);
  assert.ok(plan);
  const bytes = Buffer.concat(await Array.fromAsync(layerBytes(plan, seed)));
  assert.equal(bytes.length, plan.size);
  return bytes;
};

test('the layers share out the whole size', () => {
  for (const [size, count] of [
    [1000, 1],
    [1001, 4],
    [3, 5],
  ] as const) {
    const plans = planLayers(size, count);
    assert.equal(plans.length, count);
    assert.equal(
      plans.reduce((sum, { contentSize }) => sum + contentSize, 0),
      size,
    );
  }
});

test('a layer is a tar archive with one file', async () => {
  for (const size of [0, 1, 512, 1_500_000]) {
    const tar = spawnSync('tar', ['-tvf', '-'], { input: await archive(size, 'a') });
    assert.equal(tar.status, 0, tar.stderr.toString());
    assert.match(tar.stdout.toString(), new RegExp(`0/0 +${size} .*layer-1\\.bin`));
  }
});

test('a seed gives the same bytes again, another seed others', async () => {
  const bytes = await archive(3_000_000, 'a');
  assert.ok(bytes.equals(await archive(3_000_000, 'a')));
  assert.ok(!bytes.equals(await archive(3_000_000, 'b')));
});

test('the manifest names the configuration and the layers by digest and size', () => {
  const layers = [layerDescriptor(`sha256:${'a'.repeat(64)}`, 10)];
  const config = imageConfig(layers);
  const manifest = JSON.parse(imageManifest(config, layers).toString()) as Record<string, unknown>;
  assert.deepEqual(manifest['layers'], layers);
  assert.equal((manifest['config'] as { digest: string }).digest, sha256Digest(config));
});
