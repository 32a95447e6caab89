import { defaultPieceLengthPolicy, type Digest, MiB, OciError, parseDigest, parseRepositoryName } from '@shoal/core';
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobStore } from './blob-store.ts';
import { markerName } from './folder-lock.ts';
import { SigningKey } from './signing-key.ts';
import { contentOf, describeContent, inChunks, temporaryFolder } from './testing/content.ts';
import { forgetOwner } from './testing/cached.ts';
import type { Upload } from './upload.ts';

const repository = parseRepositoryName('team/app');
const bytes = contentOf(7, 2 * MiB + 100);
const { digest } = describeContent(bytes);
const other = parseDigest(`sha256:${'0'.repeat(64)}`);

const openStore = async (
  folder: string,
  options: { clock?: () => number; uploadsMax?: number } = {},
): Promise<BlobStore> => {
  const key = await SigningKey.loadOrCreate(join(folder, 'key.pem'));
  return BlobStore.open({ folder, policy: defaultPieceLengthPolicy, key, ...options });
};

const oci = (code: string, status: number) => (error: unknown) =>
  error instanceof OciError && error.code === code && error.status === status;

async function* failingAfter(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield* inChunks(content, 10_000);
  throw new Error('aborted by the client');
}

const remaining = (upload: Upload): AsyncIterable<Uint8Array> => inChunks(bytes.subarray(upload.size));

suite('uploads', () => {
  test('chunks of several appends make one blob', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    for (let from = 0; from < bytes.length; from += 700_000) {
      await upload.append(inChunks(bytes.subarray(from, from + 700_000), 33_333), { offset: from });
      assert.equal(upload.size, Math.min(bytes.length, from + 700_000));
    }
    await upload.commit(digest);
    assert.deepEqual(await store.stat(digest), { size: bytes.length });
    await store.close();
  });

  test('a source may reuse its buffer', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    const buffer = new Uint8Array(40_000);
    await upload.append(
      (async function* () {
        for (let from = 0; from < bytes.length; from += buffer.length) {
          const part = bytes.subarray(from, from + buffer.length);
          buffer.set(part);
          yield buffer.subarray(0, part.length);
          buffer.fill(0);
        }
      })(),
    );
    await upload.commit(digest);
    using blob = await store.open(digest);
    const content = new Uint8Array(bytes.length);
    blob?.readInto(content, 0);
    assert.deepEqual(content, bytes);
    await store.close();
  });

  test('what arrived before the client went away is kept', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    await assert.rejects(upload.append(failingAfter(bytes.subarray(0, 1_234_567))), /aborted by the client/);
    assert.equal(upload.size, 1_234_567);
    await upload.append(remaining(upload), { offset: 1_234_567 });
    await upload.commit(digest);
    await store.close();
  });

  test('an upload goes on after a kill from the bytes on disk', async () => {
    await using folder = temporaryFolder();
    const killed = await openStore(folder.path);
    const { id } = await killed.uploads.create(repository);
    await (await killed.uploads.get(id, repository))?.append(inChunks(bytes.subarray(0, 1_000_001)));
    forgetOwner(folder.path);
    const store = await openStore(folder.path);
    assert.equal(store.uploads.count, 1);
    const [upload, again] = await Promise.all([store.uploads.get(id, repository), store.uploads.get(id, repository)]);
    assert.ok(upload && upload === again);
    assert.equal(upload.size, 1_000_001);
    await upload.append(remaining(upload), { offset: 1_000_001 });
    await upload.commit(digest);
    await store.close();
  });

  test('a wrong digest keeps nothing', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    for (const wrong of [other, parseDigest(`sha512:${'0'.repeat(128)}`)]) {
      const upload = await store.uploads.create(repository);
      await upload.append(inChunks(bytes));
      await assert.rejects(upload.commit(wrong), oci('DIGEST_INVALID', 400));
      await assert.rejects(upload.append(inChunks(bytes)), oci('BLOB_UPLOAD_UNKNOWN', 404));
      assert.equal(await store.uploads.get(upload.id, repository), undefined);
    }
    assert.deepEqual(await readdir(join(folder.path, 'uploads')), []);
    assert.deepEqual(await Array.fromAsync(store.list()), [] as Digest[]);
    assert.equal(store.uploads.count, 0);
    await store.close();
  });

  test('an offset elsewhere than at the end is 416 and changes nothing', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    await upload.append(inChunks(bytes.subarray(0, 5000)));
    for (const offset of [0, 4999, 5001]) {
      await assert.rejects(upload.append(inChunks(bytes), { offset }), oci('BLOB_UPLOAD_INVALID', 416));
    }
    assert.equal(upload.size, 5000);
    await store.close();
  });

  test('one writer at a time', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    const gate = Promise.withResolvers<void>();
    const slow = upload.append(
      (async function* () {
        yield bytes.subarray(0, 100);
        await gate.promise;
        yield bytes.subarray(100);
      })(),
    );
    await assert.rejects(upload.append(inChunks(bytes)), oci('BLOB_UPLOAD_INVALID', 409));
    await assert.rejects(upload.commit(digest), oci('BLOB_UPLOAD_INVALID', 409));
    assert.equal(await store.uploads.expire(-1), 0, 'an upload that is being written to does not expire');
    gate.resolve();
    await slow;
    await upload.commit(digest);
    await store.close();
  });

  test('bytes above the bound are refused, those below it kept', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    await assert.rejects(upload.append(inChunks(bytes), { bytesMax: 100_000 }), oci('SIZE_INVALID', 413));
    assert.equal(upload.size, 100_000);
    await upload.append(remaining(upload), { bytesMax: bytes.length - 100_000 });
    await upload.commit(digest);
    await store.close();
  });

  test('cancel ends a running append and removes the bytes', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    const gate = Promise.withResolvers<void>();
    const running = upload.append(
      (async function* () {
        yield bytes.subarray(0, 100);
        await gate.promise;
        yield bytes.subarray(100);
      })(),
    );
    const outcome = assert.rejects(running, oci('BLOB_UPLOAD_UNKNOWN', 404));
    await upload.cancel();
    gate.resolve();
    await outcome;
    await upload.cancel();
    assert.deepEqual(await readdir(join(folder.path, 'uploads')), []);
    await store.close();
  });

  test('uploads expire by the time since their last append, also after a restart', async () => {
    await using folder = temporaryFolder();
    let nowMs = 1_000_000;
    const clock = () => nowMs;
    const first = await openStore(folder.path, { clock });
    const old = await first.uploads.create(repository);
    const active = await first.uploads.create(repository);
    nowMs += 5000;
    await active.append(inChunks(bytes.subarray(0, 10)));
    await first.close();
    const store = await openStore(folder.path, { clock });
    assert.equal(await store.uploads.expire(5001), 0);
    assert.equal(await store.uploads.expire(5000), 1);
    assert.equal(await store.uploads.get(old.id, repository), undefined);
    assert.equal((await store.uploads.get(active.id, repository))?.size, 10);
    await store.close();
  });

  test('an upload belongs to its repository, and no id reaches outside the folder', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const { id } = await store.uploads.create(repository);
    assert.equal(await store.uploads.get(id, parseRepositoryName('team/other')), undefined);
    for (const odd of ['', '.', '..', '../blobs', `../uploads/${id}`, id.toUpperCase(), `${id}\0`]) {
      assert.equal(await store.uploads.get(odd, repository), undefined);
    }
    await store.close();
  });

  test('the number of unfinished uploads is bounded', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path, { uploadsMax: 2 });
    const [first] = await Promise.all([store.uploads.create(repository), store.uploads.create(repository)]);
    await assert.rejects(store.uploads.create(repository), oci('TOOMANYREQUESTS', 429));
    await first.cancel();
    await store.uploads.create(repository);
    await store.close();
  });

  test('leftovers are removed at open, uploads stay', async () => {
    await using folder = temporaryFolder();
    const killed = await openStore(folder.path);
    const { id } = await killed.uploads.create(repository);
    await killed.uploads
      .create(repository)
      .then((upload) => writeFile(join(folder.path, 'uploads', upload.id, 'upload.json'), '{"reposi'));
    await writeFile(join(folder.path, 'tmp', 'leftover'), bytes);
    await mkdir(join(folder.path, 'blobs', 'sha256', '00'), { recursive: true });
    await writeFile(join(folder.path, 'blobs', 'sha256', '00', `${'0'.repeat(64)}.meta`), '{}');
    forgetOwner(folder.path);
    const store = await openStore(folder.path);
    assert.deepEqual(await readdir(join(folder.path, 'tmp')), []);
    assert.deepEqual(await readdir(join(folder.path, 'uploads')), [id]);
    assert.deepEqual(await readdir(join(folder.path, 'blobs', 'sha256', '00')), []);
    assert.match(await readFile(join(folder.path, markerName), 'utf8'), new RegExp(`"pid":${process.pid}\\b`));
    await store.close();
  });
});
