import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { NodeView } from '../src/ui/views.ts';
import { bytes, duration, percent, shortDigest } from '../ui/format.js';
import { Layout, originIds } from '../ui/layout.js';
import { applyFrame, copies, type Nodes, slowestFirst, stateOf } from '../ui/model.js';
import { whySlow } from '../ui/why.js';

const nodeOf = (id: string, o: Partial<NodeView> = {}): NodeView => ({
  id,
  address: `${id}:7021`,
  zone: '',
  role: 'agent',
  have: 5,
  complete: false,
  held: 'fffff00000',
  peers: ['peer'],
  origins: [],
  degree: 1,
  down: 1000,
  up: 0,
  bytes: { peers: 500, origins: 0, http: 0, discarded: 0, sent: 0 },
  corrupt: 0,
  way: 'swarm',
  readers: 1,
  joinedMs: 0,
  doneMs: null,
  stillSinceMs: null,
  heardMs: 10_000,
  load: { down: 1000, up: 0, downMax: 0, upMax: 0, waiting: 0, busy: 0.2 },
  ...o,
});
const complete = { complete: true, have: 10, held: 'ffffffffff' };
const nodesOf = (...nodes: NodeView[]): Nodes => new Map(nodes.map((node) => [node.id, node]));
const nowMs = 10_000;

describe('why a pull is slow', () => {
  const titles = (o: Partial<NodeView>, ...others: NodeView[]): string[] => {
    const node = nodeOf('slow', o);
    return whySlow(node, nodesOf(node, ...others), 10, nowMs).map(({ level, title }) => `${level}: ${title}`);
  };
  const seed = nodeOf('peer', complete);

  const cases: [name: string, node: Partial<NodeView>, others: NodeView[], title: string][] = [
    ['nobody is connected', { peers: [] }, [seed], 'cause: It has no neighbours'],
    ['no source is left', { way: 'exhausted' }, [seed], 'cause: Nobody delivers'],
    ['the node is gone', { heardMs: -30_000 }, [seed], 'cause: Silent for 40 s'],
    [
      'a download limit',
      { load: { down: 950, up: 0, downMax: 1000, upMax: 0, waiting: 0, busy: 0 } },
      [seed],
      'cause: Its own download limit is reached',
    ],
    [
      'no CPU left',
      { load: { down: 1, up: 0, downMax: 0, upMax: 0, waiting: 0, busy: 0.97 } },
      [seed],
      'cause: Its process is busy',
    ],
    ['parts that nobody has', {}, [nodeOf('peer')], 'cause: 5 of 10 parts it lacks are with no other node'],
    [
      'neighbours that lack the same',
      {},
      [nodeOf('peer'), nodeOf('far', complete)],
      'cause: Its neighbours lack the same parts',
    ],
    [
      'neighbours with a queue',
      {},
      [nodeOf('peer', { ...complete, load: { down: 0, up: 9, downMax: 0, upMax: 0, waiting: 3, busy: 0 } })],
      'hint: Its neighbours send as much as they can',
    ],
    [
      'another zone',
      { zone: 'a' },
      [nodeOf('peer', { ...complete, zone: 'b' })],
      'hint: All its neighbours are outside zone a',
    ],
    ['the fallback', { way: 'http-any' }, [seed], 'hint: It fetches by HTTP from an origin'],
    ['corrupt pieces', { corrupt: 1 }, [seed], 'hint: 1 piece did not match'],
    ['an old agent', { held: '', joinedMs: nowMs - 60_000 }, [seed], 'hint: It sends no reports'],
    ['others are faster', { down: 100 }, [seed, nodeOf('quick')], 'hint: It is slower than the others'],
  ];
  for (const [name, node, others, title] of cases) {
    it(`names ${name}`, () => assert.ok(titles(node, ...others).includes(title), titles(node, ...others).join('; ')));
  }

  it('waits for the first report of a node that has just joined', () => {
    assert.ok(!titles({ held: '', joinedMs: nowMs - 500 }, seed).includes('hint: It sends no reports'));
  });

  it('says so when nothing holds it up', () => {
    assert.deepEqual(titles({}, seed, nodeOf('other')), ['fine: It is as fast as the others']);
    assert.deepEqual(titles({ ...complete, doneMs: 2500 }, seed), ['fine: It has the whole blob']);
  });

  it('puts causes first, whatever the node is like', () => {
    const any = fc.record({
      peers: fc.subarray(['peer', 'other', 'gone']),
      have: fc.nat({ max: 9 }),
      down: fc.nat({ max: 5000 }),
      way: fc.constantFrom('swarm' as const, 'exhausted' as const, 'http-any' as const),
      heardMs: fc.nat({ max: 10_000 }),
      corrupt: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(any, (o) => {
        const levels = titles(o, nodeOf('peer'), nodeOf('other', complete)).map((title) => title.split(':')[0]);
        assert.deepEqual(
          levels,
          levels.toSorted((a, b) => order.indexOf(a ?? '') - order.indexOf(b ?? '')),
        );
      }),
    );
  });
  const order = ['cause', 'hint', 'fine'];
});

describe('the places of nodes', () => {
  const crowd = (count: number, zones: number): Nodes =>
    nodesOf(
      ...Array.from({ length: count }, (_, n) => nodeOf(`n${n}`, { zone: `z${n % zones}`, origins: ['origin'] })),
    );

  it('no two nodes touch, in however many zones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 12 }), (count, zones) => {
        const layout = new Layout();
        layout.update(crowd(count, zones));
        const places = [...layout.places.values()];
        assert.equal(places.length, count + 1);
        for (const [index, a] of places.entries()) {
          assert.ok(Math.hypot(a.x, a.y) <= layout.radius);
          for (const b of places.slice(index + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 0.8);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('a node stays where it is while others come, as long as its zone does', () => {
    const layout = new Layout();
    layout.update(crowd(50, 1));
    const before = layout.places.get('n7');
    assert.equal(layout.update(crowd(50, 1)), false);
    layout.update(crowd(80, 1));
    assert.deepEqual(layout.places.get('n7'), before);
    layout.update(nodesOf(nodeOf('n7', { zone: 'z0' })));
    assert.deepEqual([...layout.places.keys()], ['n7']);
  });

  it('origins are those that nodes name and that are no nodes themselves', () => {
    assert.deepEqual(originIds(nodesOf(nodeOf('a', { origins: ['o2', 'o1', 'a'] }))), ['o1', 'o2']);
  });
});

describe('the model of the page', () => {
  it('applies changes, and who came back within a frame is there', () => {
    const nodes = nodesOf(nodeOf('a'), nodeOf('b'));
    applyFrame(nodes, { atMs: 1, whole: false, nodes: [{ id: 'a', have: 9 }], gone: ['b'] });
    assert.deepEqual([...nodes.keys(), nodes.get('a')?.have, nodes.get('a')?.zone], ['a', 9, '']);
    applyFrame(nodes, { atMs: 2, whole: false, nodes: [nodeOf('a', { have: 1 })], gone: ['a'] });
    assert.equal(nodes.get('a')?.have, 1);
    applyFrame(nodes, { atMs: 3, whole: false, nodes: [{ id: 'unknown', have: undefined as never }], gone: [] });
    applyFrame(nodes, { atMs: 4, whole: true, nodes: [nodeOf('c')], gone: [] });
    assert.deepEqual([...nodes.keys()], ['c']);
  });

  it('counts copies of each part', () => {
    assert.deepEqual(copies([nodeOf('a', { held: 'f0f' }), nodeOf('b', { ...complete, held: '' })], 3), [2, 1, 2]);
  });

  it('shows who stands still first and the complete last', () => {
    const [still, done, slow] = [
      nodeOf('x', { stillSinceMs: 1, have: 9 }),
      nodeOf('y', complete),
      nodeOf('z', { have: 1 }),
    ];
    assert.deepEqual(
      [done, slow, still].toSorted(slowestFirst).map(({ id }) => id),
      ['x', 'z', 'y'],
    );
    assert.deepEqual([still, done, slow].map(stateOf), ['still', 'complete', 'downloading']);
  });

  it('writes figures for people', () => {
    assert.deepEqual([0, 999, 1024, 1.5 * 2 ** 20, 2 ** 40].map(bytes), [
      '0 B',
      '999 B',
      '1.0 KiB',
      '1.5 MiB',
      '1.0 TiB',
    ]);
    assert.deepEqual([5, 9940, 59_000, 250_000, 7_500_000].map(duration), [
      '5 ms',
      '9.9 s',
      '59 s',
      '4 min 10 s',
      '2 h 5 min',
    ]);
    assert.deepEqual([0, 0.999, 1].map(percent), ['0 %', '99 %', '100 %']);
    assert.equal(shortDigest(`sha256:${'ab'.repeat(32)}`), 'sha256:abababababab');
  });
});
