import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest, type PeerId } from '@shoal/core';
import type { PeerEntry } from '@shoal/protocol';
import type { Link } from '@shoal/transport';
import { PeerRecords } from './peer-records.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const query = { kind: 'metainfo', key: digest, repository: 'team/app' } as const;
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** Peers by port: what each answers; those in `linked` need no dial, those in `named` come from the tracker. */
const world = (
  answers: Record<string, string | undefined>,
  o: { linked?: string[]; named?: string[]; tracker?: 'down' },
) => {
  const linkTo = (name: string, role = 'agent') => ({ remote: { peerId: name, role } }) as unknown as Link;
  const dialled: string[] = [];
  const failures: string[] = [];
  const portOf = Object.fromEntries(Object.keys(answers).map((name, index) => [`10.0.0.1:${index + 1}`, name]));
  const addressOf = (name: string) => Object.keys(portOf).find((address) => portOf[address] === name) ?? '';
  const exchange = {
    links: () => [...(o.linked ?? []).map((name) => linkTo(name)), linkTo('origin', 'origin')],
    connect: async ({ host, port }: { host: string; port: number }) => {
      const name = portOf[`${host}:${port}`] ?? '';
      dialled.push(name);
      if (answers[name] === 'refused') throw new Error('connection refused');
      return linkTo(name);
    },
    askRecord: async ({ remote }: Link) => {
      const answer = answers[remote.peerId];
      if (answer === 'silent') return new Promise<undefined>((resolve) => setTimeout(resolve, 200, undefined));
      return answer === undefined ? undefined : bytesOf(answer);
    },
  };
  const tracker = {
    lookup: async () => {
      if (o.tracker === 'down') throw new Error('tracker down');
      const peers = (o.named ?? []).map(
        (name) => ({ peerId: name, address: addressOf(name), role: 'agent' }) as unknown as PeerEntry,
      );
      return { swarms: [{ swarm: '', peers }] } as never;
    },
  };
  const events = { lookupFailed: (reason: string) => void failures.push(reason) };
  return {
    records: new PeerRecords({ exchange, tracker, self: 'self' as PeerId, timeoutMs: 100, events }),
    dialled,
    failures,
  };
};

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test('all answers come together: of peers that are linked and of those the tracker names, each asked once', async () => {
  const { records, dialled } = world(
    { a: 'one', b: 'two', c: 'refused', d: undefined, origin: 'no agent' },
    { linked: ['a'], named: ['a', 'b', 'c', 'd'] },
  );
  assert.deepEqual((await records.all(query, { digest })).map(text), ['one', 'two']);
  assert.deepEqual(dialled.toSorted(), ['b', 'c', 'd']);
});

test('the first acceptable answer wins, and a silent peer does not hold it up', async () => {
  const { records } = world({ a: 'silent', b: 'forged', c: 'good' }, { linked: ['a', 'b'], named: ['c'] });
  assert.equal(
    await records.first(query, { digest }, (bytes) => (text(bytes) === 'good' ? 'good' : undefined)),
    'good',
  );
});

test('with every tracker down the linked peers are asked all the same', async () => {
  const { records, failures } = world({ a: 'good' }, { linked: ['a'], tracker: 'down' });
  assert.equal(text(await records.first(query, { digest }, (bytes) => bytes)), 'good');
  assert.deepEqual((await records.all(query, { digest })).map(text), ['good']);
  assert.ok(failures.length > 0);
});

test('nobody has it: undefined within the deadline', async () => {
  const { records } = world({ a: 'silent', b: undefined }, { linked: ['b'], named: ['a'] });
  assert.equal(await records.first(query, { digest }, (bytes) => bytes), undefined);
  assert.deepEqual(await records.all(query, { digest }), []);
});

test('this node is not asked, and a peer with an address that is none does not keep the others from it', async () => {
  const { records, dialled } = world({ self: 'own', a: 'good' }, { named: ['self', 'nowhere', 'a'] });
  assert.deepEqual((await records.all(query, { digest })).map(text), ['good']);
  assert.deepEqual(dialled, ['a']);
});
