import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { StoreFullError } from './errors.ts';
import { RecordLog } from './record-log.ts';
import { smallDisk } from './testing/small-disk.ts';
import { temporaryFolder } from './testing/content.ts';

const value = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

suite('RecordLog', () => {
  test('the last value of a key counts, after a reload as well', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'log');
    const log = new RecordLog(file);
    log.put('a', value('1'));
    log.put('b', value(''));
    log.put('a', value('2'));
    for (const each of [log, new RecordLog(file)]) {
      assert.deepEqual(
        ['a', 'b', 'c'].map((key) => text(each.get(key))),
        ['2', '', undefined],
      );
    }
  });

  test('a torn or damaged line costs that line, and what follows is written whole', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'log');
    const log = new RecordLog(file);
    for (const key of ['a', 'b', 'c']) log.put(key, value(key));
    truncateSync(file, statSync(file).size - 5);
    const torn = new RecordLog(file);
    assert.deepEqual([...torn.keys()], ['a', 'b']);
    torn.put('d', value('d'));
    assert.deepEqual([...new RecordLog(file).keys()], ['a', 'b', 'd']);
    const damaged = readFileSync(file, 'utf8').replace('"b"', '"x"');
    writeFileSync(file, damaged);
    appendFileSync(file, 'nonsense\n');
    assert.deepEqual([...new RecordLog(file).keys()], ['a', 'd']);
  });

  test('the number of records and of lines is bounded', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'log');
    const log = new RecordLog(file, 10);
    for (let index = 0; index < 500; index++) log.put(`key ${index % 20}`, value(String(index)));
    assert.ok(readFileSync(file, 'utf8').split('\n').length < 150);
    for (const each of [log, new RecordLog(file, 10)]) {
      assert.deepEqual(
        [...each.keys()],
        Array.from({ length: 10 }, (_, index) => `key ${index + 10}`),
      );
    }
    const { size } = statSync(file);
    log.put('key 19', value('499'));
    assert.equal(statSync(file).size, size, 'the same value is not written again');
    assert.throws(() => log.put('a', new Uint8Array(70_000)), /record/);
  });

  test('a full disk keeps the record in memory, and a later put brings the file up to date', async (t) => {
    await using disk = smallDisk(64 * 1024);
    if (!disk) return t.skip('mounting a tmpfs needs root');
    const file = join(disk.path, 'log');
    const log = new RecordLog(file);
    log.put('a', value('1'));
    writeFileSync(join(disk.path, 'ballast'), new Uint8Array(1024));
    assert.throws(() => appendFileSync(join(disk.path, 'ballast'), new Uint8Array(100_000)), { code: 'ENOSPC' });
    assert.throws(() => log.put('b', new Uint8Array(50_000)), StoreFullError);
    assert.equal(log.get('b')?.length, 50_000);
    truncateSync(join(disk.path, 'ballast'), 0);
    log.put('b', value('2'));
    assert.deepEqual([...new RecordLog(file).keys()], ['a', 'b']);
  });
});
