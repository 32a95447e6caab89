import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from './exchange.ts';
import type { RecordProvider } from './records.ts';
import { testBlob } from './testing/blobs.ts';
import { nodesOfFile } from './testing/nodes.ts';

const node = nodesOfFile();

const blob = testBlob(1000, 50);
const utf8 = new TextEncoder();

const provider: RecordProvider = {
  metainfo: (digest, repository) => (digest === blob.digest ? utf8.encode(`metainfo of ${repository}`) : undefined),
  tag: async (repository, tag) => (tag === 'latest' ? utf8.encode(`${repository}:${tag}`) : undefined),
  blob: (digest) => (digest === blob.digest ? blob.bytes : new Uint8Array(300_000)),
};

const ask = async (
  from: Exchange,
  to: Exchange,
  kind: 'metainfo' | 'tag' | 'blob',
  key: string,
  repository = '',
): Promise<string | undefined> => {
  const bytes = await from.askRecord(await from.connect(to.address), { kind, key, repository }, 2000);
  return bytes && Buffer.from(bytes).toString('latin1');
};

test('metainfo, tags and small blobs travel as records', async () => {
  const [asker, holder] = [await node('agent'), await node('agent', { records: provider })];
  assert.equal(await ask(asker, holder, 'metainfo', blob.digest, 'team/app'), 'metainfo of team/app');
  assert.equal(await ask(asker, holder, 'tag', 'latest', 'team/app'), 'team/app:latest');
  assert.equal(await ask(asker, holder, 'blob', blob.digest), Buffer.from(blob.bytes).toString('latin1'));
  assert.equal(await ask(holder, asker, 'tag', 'latest', 'team/app'), undefined);
});

test('what is not there, is malformed or too large is answered by no record', async () => {
  const [asker, holder] = [await node('agent'), await node('agent', { records: provider })];
  assert.equal(await ask(asker, holder, 'tag', 'v2', 'team/app'), undefined);
  assert.equal(await ask(asker, holder, 'tag', '..', 'team/app'), undefined);
  assert.equal(await ask(asker, holder, 'tag', 'latest', 'Not A Name'), undefined);
  assert.equal(await ask(asker, holder, 'metainfo', 'sha256:short'), undefined);
  assert.equal(await ask(asker, holder, 'blob', `sha256:${'0'.repeat(64)}`), undefined);
  assert.equal(holder.stats().links, 1);
});

test('an answer that does not come in time, or whose link closes, is no record', async () => {
  const never = new Promise<undefined>(() => {});
  const silent = await node('agent', { records: { ...provider, tag: () => never } });
  const asker = await node('agent');
  const link = await asker.connect(silent.address);
  const query = { kind: 'tag', key: 'latest', repository: 'a' } as const;
  assert.equal(await asker.askRecord(link, query, 20), undefined);
  const pending = asker.askRecord(link, query, 60_000);
  link.close('test');
  assert.equal(await pending, undefined);
  assert.equal(await asker.askRecord(link, query, 60_000), undefined);
});

test('records under way are bounded on both sides', async () => {
  let served = 0;
  const gate = Promise.withResolvers<Uint8Array>();
  const records: RecordProvider = {
    ...provider,
    tag: () => {
      served++;
      return gate.promise;
    },
  };
  const holder = await node('agent', { records, limits: { recordsPerLinkMax: 3 } });
  const asker = await node('agent', { limits: { recordsPerLinkMax: 5 } });
  const link = await asker.connect(holder.address);
  const query = { kind: 'tag', key: 'latest', repository: 'a' } as const;
  const answers = Array.from({ length: 8 }, () => asker.askRecord(link, query, 5000));
  // Three are over the asker's bound, two more over the holder's.
  assert.deepEqual(await Promise.all([...answers.slice(5), answers[3], answers[4]]), Array(5).fill(undefined));
  assert.equal(served, 3);
  gate.resolve(utf8.encode('here'));
  for (const bytes of await Promise.all(answers.slice(0, 3))) assert.ok(bytes);
});

test('more than a slow link can hold is denied as overloaded, and the link stays', async () => {
  const closed: string[] = [];
  const large = new Uint8Array(256 * 1024);
  const [asker, holder] = [
    await node('agent'),
    await node('agent', {
      records: { ...provider, blob: () => large },
      events: { linkClosed: (_peer, reason) => void closed.push(reason) },
    }),
  ];
  const link = await asker.connect(holder.address);
  const query = { kind: 'blob', key: blob.digest, repository: '' } as const;
  // All are answered in one turn of the event loop, in which no link takes anything.
  const answers = await Promise.all(Array.from({ length: 64 }, () => asker.askRecord(link, query, 10_000)));
  assert.deepEqual(closed, []);
  const given = answers.filter((bytes) => bytes?.length === large.length).length;
  assert.ok(given >= 4 && given < 64, `${given} records`);
  assert.ok(await asker.askRecord(link, query, 10_000), 'what follows is answered again');
});

test('a link without swarms and records is closed after a while', async () => {
  const closed = Promise.withResolvers<string>();
  const [asker, holder] = [
    await node('agent', {
      limits: { idleLinkMs: 50, sourcelessMs: 10 },
      events: { linkClosed: (_peer, reason) => closed.resolve(reason) },
    }),
    await node('agent'),
  ];
  await asker.connect(holder.address);
  assert.match(await closed.promise, /idle/);
});
