import { defaultPieceLengthPolicy, digestHex, parseDigest, randomBelow, seededPrng } from '@shoal/core';
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlobStore } from './blob-store.ts';
import { sha256 } from './hash.ts';
import { SigningKey } from './signing-key.ts';
import { runAndKill } from './testing/child.ts';
import { temporaryFolder } from './testing/content.ts';

const script = fileURLToPath(import.meta.resolve('./testing/commit-loop.ts'));
const seed = Number(process.env['SHOAL_SEED'] ?? 42);

suite('a store whose process is killed', () => {
  test(`keeps every acknowledged blob and serves no other bytes (seed ${seed})`, { timeout: 60_000 }, async () => {
    await using folder = temporaryFolder();
    const prng = seededPrng(seed);
    const acknowledged = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const lines = await runAndKill(script, [folder.path, String(seed + round)], randomBelow(prng, 250));
      for (const line of lines) acknowledged.add(line.replace('acknowledged ', ''));
    }
    const key = await SigningKey.loadOrCreate(join(folder.path, 'key.pem'));
    const corrupt: string[] = [];
    const store = await BlobStore.open({
      folder: join(folder.path, 'store'),
      policy: defaultPieceLengthPolicy,
      key,
      onCorrupt: (digest) => corrupt.push(digest),
    });
    assert.ok(acknowledged.size > 10, `only ${acknowledged.size} commits were acknowledged`);
    const present = new Set<string>(await Array.fromAsync(store.list()));
    assert.deepEqual(
      [...acknowledged].filter((digest) => !present.has(digest)),
      [],
    );
    for (const digest of present) {
      using blob = await store.open(parseDigest(digest));
      assert.ok(blob, digest);
      const bytes = new Uint8Array(blob.size);
      assert.equal(blob.readInto(bytes, 0), blob.size);
      assert.equal(sha256(bytes).toHex(), digestHex(parseDigest(digest)));
    }
    assert.deepEqual(corrupt, []);
    assert.equal(store.count, present.size);
    assert.deepEqual(await readdir(join(folder.path, 'store', 'tmp')), []);
    assert.equal((await readdir(join(folder.path, 'store', 'uploads'))).length, store.uploads.count);
    await store.close();
  });
});
