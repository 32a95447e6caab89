import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialError, type Link } from '@shoal/transport';
import { DialBackoffError, Dialer } from './dialer.ts';
import { defaultLimits } from './limits.ts';

const address = { host: '127.0.0.1', port: 7021 };

test('an address that fails waits twice as long after each failure, and is forgiven at the first success', async () => {
  let nowMs = 0;
  let dials = 0;
  let up = false;
  const dial = async (): Promise<Link> => {
    dials++;
    if (!up) throw new Error('refused');
    return {} as Link;
  };
  const dialer = new Dialer({
    dial,
    limits: { ...defaultLimits, redialMinMs: 100, redialMaxMs: 300 },
    clock: () => nowMs,
  });
  for (const waitMs of [100, 200, 300, 300]) {
    await assert.rejects(dialer.connect(address), /refused/);
    nowMs += waitMs - 1;
    await assert.rejects(dialer.connect(address), DialBackoffError);
    nowMs += 1;
  }
  assert.equal(dials, 4);
  up = true;
  await dialer.connect(address);
  await dialer.connect(address);
  up = false;
  await assert.rejects(dialer.connect(address), /refused/);
  nowMs += 100;
  await assert.rejects(dialer.connect(address), /refused/);
});

test('a dial has a deadline, and close ends it at once', async () => {
  const dial = (_: unknown, { signal }: { signal: AbortSignal }): Promise<Link> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const dialer = new Dialer({ dial, limits: { ...defaultLimits, dialTimeoutMs: 20 }, clock: () => 0 });
  await assert.rejects(dialer.connect(address), { name: 'TimeoutError' });
  const closing = new Dialer({ dial, limits: defaultLimits, clock: () => 0 });
  const dialled = closing.connect(address);
  closing.close();
  await assert.rejects(dialled, { code: 'CLOSING' });
});

test('the failures it remembers are bounded', async () => {
  const dial = (): Promise<Link> => Promise.reject(new Error('refused'));
  const dialer = new Dialer({ dial, limits: { ...defaultLimits, failuresMax: 2 }, clock: () => 0 });
  for (const port of [1, 2, 3]) await assert.rejects(dialer.connect({ host: 'a', port }), /refused/);
  await assert.rejects(dialer.connect({ host: 'a', port: 3 }), DialBackoffError);
  await assert.rejects(dialer.connect({ host: 'a', port: 1 }), /refused/);
});

test('a limit of this node is no failure of the address', async () => {
  const dial = (): Promise<Link> => Promise.reject(new DialError('a', '256 dials are under way', { local: true }));
  const dialer = new Dialer({ dial, limits: defaultLimits, clock: () => 0 });
  for (let count = 0; count < 3; count++) await assert.rejects(dialer.connect(address), { code: 'DIAL_FAILED' });
});
