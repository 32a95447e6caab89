import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { imageConfig, imageManifest, layerDescriptor, sha256Digest } from './image.ts';
import { pullImage } from './pull.ts';
import { problemsOf } from './run.ts';

const layer = Buffer.alloc(100_000, 7);
const layers = [layerDescriptor(sha256Digest(layer), layer.length)];
const config = imageConfig(layers);
const manifest = imageManifest(config, layers);
const image = { repository: 'team/app', tag: '1', manifestDigest: sha256Digest(manifest) };

/** A registry that answers with these bytes; `/v2/team/app/...` only. */
const answers = new Map<string, Buffer>();
let server: Server;
let registry: string;

before(async () => {
  server = createServer((request, reply) => {
    const body = answers.get(request.url ?? '');
    reply.writeHead(body ? 200 : 404).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const serve = (layerBytes: Buffer): void => {
  answers.set('/v2/team/app/manifests/1', manifest);
  answers.set(`/v2/team/app/blobs/${sha256Digest(config)}`, config);
  answers.set(`/v2/team/app/blobs/${sha256Digest(layer)}`, layerBytes);
};

test('a pull counts every byte and finds all digests right', async () => {
  serve(layer);
  let received = 0;
  const result = await pullImage(registry, image, { received: (bytes) => (received += bytes) });
  assert.deepEqual(result.mismatches, []);
  assert.equal(result.bytes, manifest.length + config.length + layer.length);
  assert.equal(received, config.length + layer.length);
  assert.ok(result.firstByteMs <= result.durationMs);
});

test('one wrong byte is a mismatch, and a problem of the demo', async () => {
  const wrong = Buffer.from(layer);
  wrong[50_000] = 8;
  serve(wrong);
  const pull = await pullImage(registry, image, { received: () => undefined });
  assert.match(pull.mismatches.join(), /blob: sha256:.*, the manifest says sha256:/);
  const agents = [{ name: 'agent-1', pull, peers: 0, origin: 0, http: 0 }];
  const run = { imageBytes: pull.bytes, agents, originSentBytes: pull.bytes, makespanMs: 1, warmMs: 1 };
  assert.equal(problemsOf(run).length, 1);
});

test('a manifest that is not the pushed one is a mismatch', async () => {
  serve(layer);
  const result = await pullImage(registry, { ...image, manifestDigest: 'sha256:0' }, { received: () => undefined });
  assert.match(result.mismatches.join(), /^manifest: /);
});

test('an answer that is no 200 is an error with its status', async () => {
  await assert.rejects(pullImage(registry, { ...image, tag: '2' }, { received: () => undefined }), /manifests\/2: 404/);
});
