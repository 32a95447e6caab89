import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { SwarmReport } from '@shoal/protocol';
import { Reporter, type ReportBody } from './reporter.ts';

const load: ReportBody['load'] = {
  sentBytes: 0,
  receivedBytes: 0,
  uploadBytesPerSecondMax: 0,
  downloadBytesPerSecondMax: 0,
  uploadsWaiting: 0,
  busy: 0,
};
const active = [{} as SwarmReport];

const world = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const state: { swarms: SwarmReport[]; answer: number | undefined; down: boolean } = {
    swarms: active,
    answer: 1000,
    down: false,
  };
  const sent: number[] = [];
  const reporter = new Reporter({
    read: () => ({ load, swarms: state.swarms }),
    send: async ({ swarms }) => {
      sent.push(swarms.length);
      if (state.down) throw new Error('down');
      return state.answer === undefined ? {} : { reportMs: state.answer };
    },
    prng: () => 0.5,
  });
  const pass = async (ms: number): Promise<number[]> => {
    for (let step = 0; step < ms; step += 100) {
      t.mock.timers.tick(100);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
    return sent.splice(0);
  };
  return { state, reporter, pass };
};

test('reports at the pace of the tracker, and not before it asked', async (t) => {
  const { state, reporter, pass } = world(t);
  assert.deepEqual(await pass(5000), []);
  reporter.pace(1000);
  assert.deepEqual(await pass(3000), [1, 1, 1]);
  state.answer = 2000;
  await pass(1000);
  assert.deepEqual(await pass(4000), [1, 1]);
  reporter.stop();
  assert.deepEqual(await pass(4000), []);
});

test('a tracker that asks no more, or never did, gets none', async (t) => {
  const { state, reporter, pass } = world(t);
  reporter.pace(1000);
  state.answer = undefined;
  assert.deepEqual(await pass(5000), [1]);
  reporter.pace(500);
  reporter.pace(undefined);
  assert.deepEqual(await pass(5000), []);
});

test('tells once that nothing goes on any more', async (t) => {
  const { state, reporter, pass } = world(t);
  state.swarms = [];
  reporter.pace(1000);
  assert.deepEqual(await pass(3000), []);
  state.swarms = active;
  assert.deepEqual(await pass(1000), [1]);
  state.swarms = [];
  assert.deepEqual(await pass(5000), [0]);
});

test('goes on when a report is lost', async (t) => {
  const { state, reporter, pass } = world(t);
  reporter.pace(1000);
  state.down = true;
  assert.deepEqual(await pass(2000), [1, 1]);
});
