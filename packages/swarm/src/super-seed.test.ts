import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield, seededPrng } from '@shoal/core';
import fc from 'fast-check';
import { SuperSeed } from './super-seed.ts';
import type { SuperSeedOptions } from './super-seed-types.ts';

class Driver {
  readonly origin: SuperSeed;
  readonly pieceCount: number;
  nowMs = 0;

  constructor(pieceCount: number, options: Partial<SuperSeedOptions> = {}) {
    this.pieceCount = pieceCount;
    this.origin = new SuperSeed({ pieceCount, prng: seededPrng(1), ...options });
  }

  join(...peers: number[]): this {
    for (const peer of peers)
      this.origin.handle({ type: 'peerJoined', peer, have: new Bitfield(this.pieceCount) }, this.nowMs);
    return this;
  }

  /** A credit, served at once: the piece, or undefined when it was refused. */
  want(
    peer: number,
    { haveDelta = [], prefer = [] }: { haveDelta?: number[]; prefer?: number[] } = {},
  ): number | undefined {
    this.origin.handle({ type: 'wantAny', peer, haveDelta, prefer }, this.nowMs);
    const action = this.origin.poll();
    assert.equal(this.origin.poll(), undefined);
    return action?.type === 'enqueue' ? this.origin.serve(peer, this.nowMs) : undefined;
  }

  end(peer: number, piece: number, ok = true): void {
    this.origin.handle({ type: 'offerEnded', peer, piece, ok }, this.nowMs);
  }
}

test('no piece leaves a second time before every piece has left once, whoever asks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.tuple(fc.nat(4), fc.nat(59)), { minLength: 60, maxLength: 60 }),
      (pieceCount, credits) => {
        const driver = new Driver(pieceCount).join(0, 1, 2, 3, 4);
        const sent = credits
          .slice(0, pieceCount)
          .map(([peer, wish]) => driver.want(peer, { prefer: wish < pieceCount ? [wish] : [] }));
        assert.equal(new Set(sent).size, pieceCount);
        assert.ok(!sent.includes(undefined));
      },
    ),
  );
});

test('a preferred piece is offered when nobody has it yet', () => {
  const driver = new Driver(50).join(1, 2);
  assert.equal(driver.want(1, { prefer: [33] }), 33);
  assert.notEqual(driver.want(2, { prefer: [33] }), 33);
});

test('several origins begin in disjoint parts of the blob', () => {
  const parts = [0, 1, 2].map((originIndex) => {
    const driver = new Driver(30, { originIndex, originCount: 3 }).join(1);
    return Array.from({ length: 10 }, () => driver.want(1)!);
  });
  assert.deepEqual(
    parts.map((pieces) => [Math.min(...pieces), Math.max(...pieces)]),
    [
      [0, 9],
      [10, 19],
      [20, 29],
    ],
  );
});

test('what agents got elsewhere is not sent before what nobody has', () => {
  const driver = new Driver(4).join(1, 2);
  const first = driver.want(1, { haveDelta: [0, 1] })!;
  const second = driver.want(2)!;
  assert.deepEqual(
    [first, second].toSorted((a, b) => a - b),
    [2, 3],
  );
});

test('a transfer that failed was not sent', () => {
  const driver = new Driver(2).join(1, 2, 3);
  const lost = driver.want(1)!;
  driver.want(2);
  driver.end(1, lost, false);
  assert.equal(driver.want(3), lost);
  assert.equal(driver.origin.copiesSent, 0);
});

test('a piece whose only receiver was lost before anyone else had it goes out first again', () => {
  const driver = new Driver(3).join(1, 2, 3);
  const pieces = [driver.want(1)!, driver.want(2)!, driver.want(2)!];
  driver.end(1, pieces[0]!);
  driver.end(2, pieces[1]!);
  driver.end(2, pieces[2]!);
  driver.origin.handle({ type: 'peerLeft', peer: 1 }, 0);
  assert.equal(driver.want(3), pieces[0]);
  const safe = new Driver(2).join(1, 2, 3);
  const piece = safe.want(1)!;
  safe.end(1, piece);
  safe.origin.handle({ type: 'peerHave', peer: 2, piece }, 0);
  safe.origin.handle({ type: 'peerLeft', peer: 1 }, 0);
  assert.notEqual(safe.want(3), piece, 'another agent has it');
});

test('once all is out and the swarm is the faster one, second copies are refused; a wish after a refusal is served', () => {
  const driver = new Driver(200, { secondPiecesMin: 0 }).join(1, 2, 3, 4, 5);
  const deliver = (peer: number, piece: number): void => {
    driver.nowMs += 10;
    driver.end(peer, piece);
  };
  for (let piece = 0; piece < 200; piece++) {
    const offered = driver.want(1)!;
    deliver(1, offered);
    for (const other of [2, 3, 4])
      driver.origin.handle({ type: 'peerHave', peer: other, piece: offered }, driver.nowMs);
  }
  assert.equal(driver.origin.copiesSent, 1);
  // Agent 5 comes late and gets three pieces from the others for each one that the origin gives it.
  const held = new Set<number>();
  let refused: number | undefined;
  for (let round = 0; round < 60 && refused === undefined; round++) {
    const haveDelta = Array.from({ length: 3 }, (_, index) => (round * 3 + index) % 200).filter(
      (piece) => !held.has(piece),
    );
    for (const piece of haveDelta) held.add(piece);
    const offered = driver.want(5, { haveDelta });
    if (offered === undefined) refused = round;
    else {
      held.add(offered);
      deliver(5, offered);
    }
  }
  assert.ok(driver.origin.copiesSent < 1.3, `${driver.origin.copiesSent} copies`);
  assert.ok(refused !== undefined);
  const missing = Array.from({ length: 200 }, (_, piece) => piece).find((piece) => !held.has(piece))!;
  assert.equal(driver.want(5), undefined, 'without a wish it is refused again');
  assert.equal(driver.want(5, { prefer: [missing] }), missing);
});

test('the only agent is served whatever was sent before', () => {
  const driver = new Driver(3).join(1);
  for (const piece of [driver.want(1)!, driver.want(1)!, driver.want(1)!]) driver.end(1, piece);
  assert.equal(driver.want(1), undefined, 'it has everything');
  driver.join(2);
  driver.origin.handle({ type: 'peerLeft', peer: 1 }, 0);
  assert.notEqual(driver.want(2), undefined);
});

test('credits beyond the slots are refused', () => {
  const driver = new Driver(100, { creditsMax: 2 }).join(1, 2, 3);
  const actions = [1, 2, 3].map((peer) => {
    driver.origin.handle({ type: 'wantAny', peer, haveDelta: [], prefer: [] }, 0);
    return driver.origin.poll()?.type;
  });
  assert.deepEqual(actions, ['enqueue', 'enqueue', 'refuse']);
  driver.origin.handle({ type: 'peerLeft', peer: 1 }, 0);
  assert.notEqual(driver.want(3), undefined, 'the slot of a lost agent is free');
});

test('a credit that a cold blob can not serve yet waits for it to grow; only announced pieces are offered', () => {
  const driver = new Driver(3, { growing: true }).join(1, 2, 3);
  const grow = (piece: number): (number | undefined)[] => {
    driver.origin.handle({ type: 'pieceAvailable', piece }, 0);
    const served: (number | undefined)[] = [];
    for (let action = driver.origin.poll(); action; action = driver.origin.poll()) {
      assert.equal(action.type, 'enqueue');
      served.push(driver.origin.serve(action.peer, 0));
    }
    return served;
  };
  for (const peer of [1, 2, 3]) assert.equal(driver.want(peer), undefined);
  assert.deepEqual(grow(2), [2]);
  assert.deepEqual(grow(2), [], 'a second copy is not what they wait for');
  assert.deepEqual(grow(0), [0]);
  assert.equal(driver.want(1), undefined);
  const last = grow(1);
  assert.equal(last.length, 2, 'nobody is left to wait when the blob is whole');
  assert.ok(last.includes(1));
});

test('whoever waits for a cold blob gets what was lost on its way, and is forgotten when it leaves', () => {
  const driver = new Driver(4, { growing: true }).join(1, 2);
  driver.origin.handle({ type: 'pieceAvailable', piece: 3 }, 0);
  assert.equal(driver.want(1), 3);
  assert.equal(driver.want(2), undefined);
  driver.end(1, 3, false);
  assert.deepEqual(driver.origin.poll(), { type: 'enqueue', peer: 2 });
  assert.equal(driver.origin.serve(2, 0), 3);
  assert.equal(driver.want(1), undefined);
  driver.origin.handle({ type: 'peerLeft', peer: 1 }, 0);
  driver.origin.handle({ type: 'pieceAvailable', piece: 0 }, 0);
  assert.equal(driver.origin.poll(), undefined);
});

test('numbers from the wire that are no pieces of the blob change nothing', () => {
  const driver = new Driver(2).join(1);
  const piece = driver.want(1, { haveDelta: [-1, 2, 1e9], prefer: [7, -3] });
  assert.ok(piece === 0 || piece === 1);
  assert.equal(driver.origin.heldBy(1), 0);
});

test('a blob of few pieces is sent again to as many as its second pieces allow', () => {
  const driver = new Driver(1, { secondPiecesMin: 3 }).join(1, 2, 3, 4, 5, 6);
  for (const peer of [1, 2, 3, 4]) {
    assert.equal(driver.want(peer), 0);
    driver.end(peer, 0);
  }
  assert.equal(driver.want(5), undefined);
});

test('a credit ranks behind those of other swarms once every piece is on its way or known at somebody', () => {
  const driver = new Driver(2).join(1, 2, 3);
  assert.equal(driver.origin.creditRank, 0);
  const first = driver.want(1);
  assert.equal(driver.origin.creditRank, 0);
  driver.origin.handle({ type: 'peerHave', peer: 3, piece: first === 0 ? 1 : 0 }, 0);
  assert.equal(driver.origin.creditRank, 1);
  driver.origin.handle({ type: 'peerLeft', peer: 3 }, 0);
  assert.equal(driver.origin.creditRank, 0);
});

test('how slow the swarm was while it had little to pass on earns nobody a second copy', () => {
  const driver = new Driver(200, { secondPiecesMin: 0 }).join(1, 2, 3, 4);
  for (let piece = 0; piece < 240; piece++) {
    const peer = 1 + (piece % 4);
    driver.nowMs += 2;
    const offered = driver.want(peer);
    if (offered !== undefined) driver.end(peer, offered);
  }
  assert.equal(driver.origin.copiesSent, 1.2);
  driver.nowMs += 20;
  assert.equal(driver.want(1), undefined, 'all is out, and nobody knows yet what the swarm makes of it');
  driver.nowMs += 1000;
  assert.notEqual(driver.want(1), undefined, 'nothing moved since: the origin is the faster one');
});

const everybody = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Everybody in turn gets what the origin gives; all but peer 9 tell it of what the others got the round before. */
const crowdWithTaker = (spreads: boolean): { driver: Driver; taken: number[] } => {
  const driver = new Driver(900, { judgeAfter: 16 }).join(...everybody);
  const taken: number[] = [];
  let news: number[] = [];
  for (let round = 0; round < 80; round++) {
    const next: number[] = [];
    for (const peer of everybody) {
      const piece = driver.want(peer, { haveDelta: spreads && peer < 9 ? news : [] });
      if (piece === undefined) continue;
      driver.end(peer, piece);
      (peer === 9 ? taken : next).push(piece);
    }
    news = next;
  }
  return { driver, taken };
};

test('what was given to somebody who passes nothing on counts as not sent, and it is served last', () => {
  const { driver, taken } = crowdWithTaker(true);
  // The taker does not count as a holder of what it kept, so that this is sent again.
  assert.ok(driver.origin.heldBy(9) < taken.length);
  driver.origin.handle({ type: 'wantAny', peer: 1, haveDelta: [], prefer: [] }, 0);
  assert.deepEqual(driver.origin.poll(), { type: 'enqueue', peer: 1 });
  assert.equal(driver.want(9), undefined);
});

test('where pieces spread slowly nobody is blamed', () => {
  const { driver, taken } = crowdWithTaker(false);
  driver.origin.handle({ type: 'wantAny', peer: 1, haveDelta: [], prefer: [] }, 0);
  driver.origin.poll();
  assert.equal(driver.origin.heldBy(9), taken.length);
  assert.notEqual(driver.want(9), undefined);
});

test('a peer of another zone gets nothing while one of this zone waits', () => {
  const driver = new Driver(8).join(1);
  driver.origin.handle({ type: 'peerJoined', peer: 2, have: new Bitfield(8), abroad: true }, 0);
  assert.notEqual(driver.want(2), undefined);
  driver.origin.handle({ type: 'wantAny', peer: 1, haveDelta: [], prefer: [] }, 0);
  assert.deepEqual(driver.origin.poll(), { type: 'enqueue', peer: 1 });
  assert.equal(driver.want(2), undefined);
});
