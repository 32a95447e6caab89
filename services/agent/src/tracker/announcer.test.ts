import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSwarmId, seededPrng } from '@shoal/core';
import type { AnnounceResponse, PeerEntry, SwarmAnnounce } from '@shoal/protocol';
import { Announcer, type AnnouncedSwarm } from './announcer.ts';

const limits = { seedsMax: 100, batchMax: 50, againSpreadMs: 20 };
const swarm = (index: number): AnnouncedSwarm => ({
  swarm: parseSwarmId(index.toString(16).padStart(64, '0')),
  status: () => ({ have: 0, pieces: 4, degree: 0, want: 10 }),
});

/** A tracker in memory: what it was told, and what it answers next. */
const world = () => {
  const told: SwarmAnnounce[][] = [];
  const answers: ((batch: readonly SwarmAnnounce[]) => AnnounceResponse)[] = [];
  const failures: string[] = [];
  let heard = Promise.withResolvers<void>();
  const client = {
    announce: async (batch: readonly SwarmAnnounce[]): Promise<AnnounceResponse> => {
      told.push([...batch]);
      const answer = answers.shift();
      heard.resolve();
      heard = Promise.withResolvers<void>();
      return answer ? answer(batch) : { swarms: [], again: false, intervalMs: 1000 };
    },
  };
  const again: number[] = [];
  const events = {
    announceFailed: (reason: string) => void failures.push(reason),
    announcedAgain: (swarms: number) => void again.push(swarms),
  };
  const announcer = new Announcer({ client, events, limits, clock: () => performance.now(), prng: seededPrng(7) });
  const hear = async (count: number) => {
    while (told.length < count) await heard.promise;
  };
  return { told, answers, failures, again, announcer, hear };
};

test('peers that the tracker hands out reach the download of that swarm', async () => {
  const { answers, announcer, hear } = world();
  const peer = {
    peerId: 'a'.repeat(40),
    incarnation: 1,
    address: '127.0.0.1:7021',
    zone: '',
    complete: true,
    role: 'agent',
  } as PeerEntry;
  answers.push((batch) => ({
    swarms: batch.map((line) => ({ swarm: line.swarm, peers: [peer] })),
    again: false,
    intervalMs: 1000,
  }));
  const got = Promise.withResolvers<readonly PeerEntry[]>();
  announcer.join({ ...swarm(1), peers: got.resolve });
  await hear(1);
  assert.deepEqual(await got.promise, [peer]);
  await announcer.stop();
});

test('a tracker that is down hears the same news when it is back', async () => {
  const { told, answers, failures, announcer, hear } = world();
  answers.push(() => {
    throw new Error('connection refused');
  });
  const unanswered: number[] = [];
  announcer.join({ ...swarm(1), unanswered: () => void unanswered.push(told.length) });
  await hear(2);
  assert.deepEqual(unanswered, [1], 'the download hears of it at once');
  assert.deepEqual(
    told.map((batch) => batch.map(({ event }) => event)),
    [['join'], ['join']],
  );
  assert.deepEqual(failures, ['connection refused']);
  await announcer.stop();
});

test('"again" brings every swarm once more', async () => {
  const { told, answers, announcer, hear } = world();
  for (let index = 0; index < 20; index++) announcer.complete(swarm(index));
  answers.push(() => ({ swarms: [], again: true, intervalMs: 1000 }));
  await hear(2);
  while (told.slice(1).flat().length < 20) await hear(told.length + 1);
  assert.equal(
    new Set(
      told
        .slice(1)
        .flat()
        .map((line) => line.swarm),
    ).size,
    20,
  );
  await announcer.stop();
});

test('what a tracker has confirmed is counted, and nothing before', async () => {
  const { announcer, hear } = world();
  announcer.complete(swarm(1));
  announcer.join(swarm(2));
  assert.equal(announcer.confirmedCount, 0);
  await hear(1);
  while (announcer.confirmedCount < 2) await new Promise((resolve) => setImmediate(resolve));
  announcer.leave(swarm(1).swarm);
  announcer.join(swarm(3));
  assert.equal(announcer.confirmedCount, 1);
  await announcer.stop();
});

test('a tracker that always asks for everything again gets no storm, and a node without swarms has nothing to say', async () => {
  const { announcer, hear, again, answers } = world();
  announcer.announceAll();
  assert.deepEqual(again, []);
  for (let index = 0; index < 10; index++) answers.push(() => ({ swarms: [], again: true, intervalMs: 1000 }));
  announcer.join(swarm(1));
  await hear(2);
  announcer.join(swarm(2));
  await hear(3);
  assert.deepEqual(again, [1]);
  await announcer.stop();
});

test('stop says leave for every swarm', async () => {
  const { told, announcer, hear } = world();
  announcer.complete(swarm(1));
  announcer.join(swarm(2));
  await hear(1);
  await announcer.stop();
  assert.deepEqual(
    told.at(-1)?.map(({ event }) => event),
    ['leave', 'leave'],
  );
});
