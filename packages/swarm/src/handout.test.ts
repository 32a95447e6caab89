import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '@shoal/core';
import fc from 'fast-check';
import { mayAccept, mayDial, peersWanted } from './degree.ts';
import { type Candidate, chooseHandout } from './handout.ts';
import { gatewayPlace, zoneGateways } from './zones.ts';

const agent = (name: string, degree = 0, zone = 'a'): Candidate => ({
  peerId: name,
  role: 'agent',
  zone,
  complete: false,
  degree,
});
const origin = (name: string): Candidate => ({ ...agent(name), role: 'origin' });
const names = (candidates: readonly Candidate[]): string[] => candidates.map(({ peerId }) => peerId);

test('all origins, then at most what is wanted, never the asker, never a hub, never one twice', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { maxLength: 100 }),
      fc.nat(3),
      fc.nat(50),
      fc.integer(),
      (degrees, origins, want, seed) => {
        const candidates = [
          ...degrees.map((degree, index) => agent(`a${index}`, degree)),
          ...Array.from({ length: origins }, (_, index) => origin(`o${index}`)),
        ];
        const chosen = chooseHandout(candidates, { peerId: 'a0', zone: 'a', want, prng: seededPrng(seed) });
        const agents = chosen.filter(({ role }) => role === 'agent');
        assert.equal(chosen.length - agents.length, origins);
        assert.ok(agents.length <= want);
        assert.equal(new Set(names(chosen)).size, chosen.length);
        assert.ok(agents.every(({ degree, peerId }) => degree < 40 && peerId !== 'a0'));
        const eligible = candidates.filter(
          ({ role, degree, peerId }) => role === 'agent' && degree < 40 && peerId !== 'a0',
        ).length;
        if (candidates.length <= 48) assert.equal(agents.length, Math.min(want, eligible));
      },
    ),
  );
});

test('the lowest degrees are preferred, the most complete are not', () => {
  const candidates = [
    ...Array.from({ length: 4 }, (_, index) => ({ ...agent(`busy${index}`, 30), complete: true })),
    ...Array.from({ length: 10 }, (_, index) => agent(`idle${index}`, 2)),
  ];
  const chosen = chooseHandout(candidates, { peerId: 'me', zone: 'a', want: 10, prng: seededPrng(3) });
  assert.ok(names(chosen).every((name) => name.startsWith('idle')));
});

test('of a crowd that came one after the other not only the last ones are named', () => {
  const candidates = Array.from({ length: 48 }, (_, index) => agent(`a${index}`, 48 - index > 20 ? 20 : 48 - index));
  let early = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const chosen = chooseHandout(candidates, { peerId: 'me', zone: 'a', want: 10, prng: seededPrng(seed) });
    early += chosen.filter(({ degree }) => degree === 20).length;
  }
  assert.ok(early > 40, `${early} of 200 had come early`);
});

test('the asker is an origin: it is not handed to itself', () => {
  assert.deepEqual(
    names(chooseHandout([origin('o1'), origin('o2')], { peerId: 'o1', zone: 'a', want: 5, prng: seededPrng(1) })),
    ['o2'],
  );
});

test('with gateways only gateways cross zones', () => {
  const candidates = [
    ...Array.from({ length: 20 }, (_, index) => agent(`a${index}`)),
    ...Array.from({ length: 20 }, (_, index) => agent(`b${index}`, 0, 'b')),
  ];
  const gateways = new Set(['a0', 'b0', 'b1', 'b2', 'b3', 'b4', 'b5']);
  const request = { zone: 'a', want: 10, prng: seededPrng(1), gateways };
  assert.ok(names(chooseHandout(candidates, { ...request, peerId: 'a7' })).every((name) => name.startsWith('a')));
  const ofGateway = names(chooseHandout(candidates, { ...request, peerId: 'a0' }));
  const across = ofGateway.filter((name) => name.startsWith('b'));
  assert.equal(across.length, 4);
  assert.ok(across.every((name) => gateways.has(name)));
  assert.equal(ofGateway.length, 10);
  const withOrigins = [...candidates, origin('o1'), { ...origin('o2'), zone: 'b' }, { ...origin('o3'), zone: '' }];
  const origins = (peerId: string) =>
    names(chooseHandout(withOrigins, { ...request, peerId })).filter((name) => name.startsWith('o'));
  assert.deepEqual(
    [origins('a7'), origins('a0')],
    [
      ['o1', 'o3'],
      ['o1', 'o2', 'o3'],
    ],
  );
});

test('the first joiners of a zone are its gateways, a dead one is replaced by the next', () => {
  const members = Array.from({ length: 9 }, (_, index) => ({
    peerId: `p${index}`,
    zone: index % 2 ? 'odd' : 'even',
    joined: 100 - index,
  }));
  assert.deepEqual(zoneGateways(members, 2).get('even'), ['p8', 'p6']);
  assert.deepEqual(
    zoneGateways(
      members.filter(({ peerId }) => peerId !== 'p8'),
      2,
    ).get('even'),
    ['p6', 'p4'],
  );
  assert.deepEqual(gatewayPlace(['x', 'y'], 'y', 3), { index: 1, known: 2, places: 3 });
  assert.equal(gatewayPlace(['x', 'y'], 'z'), undefined);
});

test('degree rules keep a place for origins', () => {
  assert.deepEqual([mayAccept('agent', 39), mayAccept('agent', 40), mayAccept('origin', 1000)], [true, false, true]);
  assert.deepEqual([mayDial('agent', 19), mayDial('agent', 20), mayDial('origin', 1000)], [true, false, true]);
  assert.deepEqual([peersWanted(0), peersWanted(14), peersWanted(15)], [10, 10, 0]);
});
