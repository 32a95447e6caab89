import { ShoalError } from '@shoal/core';
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { SigningKey } from './signing-key.ts';
import { temporaryFolder } from './testing/content.ts';
import { TrustedKeys } from './trusted-keys.ts';

const statement = new TextEncoder().encode('shoal-test\n');

suite('signing keys', () => {
  test('a created key is loaded again, and only its owner can read the file', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'keys', 'origin.pem');
    const created = await SigningKey.loadOrCreate(file);
    const loaded = await SigningKey.loadOrCreate(file);
    assert.deepEqual(loaded.record, created.record);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(created.record.keyId, /^[0-9a-f]{32}$/);
  });

  test('processes that create the same key at once end with one', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'origin.pem');
    const keys = await Promise.all(Array.from({ length: 8 }, () => SigningKey.loadOrCreate(file)));
    assert.equal(new Set(keys.map((key) => key.record.keyId)).size, 1);
  });

  test('a file that holds no Ed25519 key is named', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'origin.pem');
    await writeFile(file, 'hello');
    await assert.rejects(
      SigningKey.loadOrCreate(file),
      (error) => error instanceof ShoalError && error.code === 'KEY_INVALID' && error.message.includes(file),
    );
  });

  test('any one valid signature by a known key is enough, and nothing less', async () => {
    await using folder = temporaryFolder();
    const [mine, other] = await Promise.all(['a', 'b'].map((name) => SigningKey.loadOrCreate(join(folder.path, name))));
    assert.ok(mine && other);
    const trusted = new TrustedKeys([mine.record]);
    assert.ok(trusted.verify(statement, [mine.sign(statement)]));
    assert.ok(trusted.verify(statement, [other.sign(statement), mine.sign(statement)]));
    assert.ok(!trusted.verify(statement, []));
    assert.ok(!trusted.verify(statement, [other.sign(statement)]));
    assert.ok(!trusted.verify(statement, [{ ...other.sign(statement), keyId: mine.record.keyId }]));
    assert.ok(!trusted.verify(new TextEncoder().encode('shoal-test2\n'), [mine.sign(statement)]));
  });

  test('a record whose id is not that of its key is refused', async () => {
    await using folder = temporaryFolder();
    const { record } = await SigningKey.loadOrCreate(join(folder.path, 'a'));
    assert.throws(() => new TrustedKeys([{ ...record, keyId: '0'.repeat(32) }]), /keyId/);
    assert.throws(() => new TrustedKeys([{ ...record, publicKey: 'AAAA' }]), /publicKey/);
  });
});
