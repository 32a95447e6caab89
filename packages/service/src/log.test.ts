import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLogger } from './log.ts';

const captured = (level?: string) => {
  const lines: string[] = [];
  const log = createLogger({
    service: 'agent',
    ...(level && { level }),
    destination: { write: (line) => void lines.push(line) },
  });
  return { log, events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>), lines };
};

it('writes one JSON object a line, with level, time and service', () => {
  const { log, events, lines } = captured();
  log.info({ piece: 3 }, 'piece received\nfrom a peer');
  const [event] = events();
  assert.equal(lines[0]?.trimEnd().includes('\n'), false);
  assert.deepEqual(
    { ...event, time: undefined },
    { level: 'info', time: undefined, service: 'agent', piece: 3, msg: 'piece received\nfrom a peer' },
  );
  assert.ok(!Number.isNaN(Date.parse(String(event?.['time']))));
});

it('leaves out what is below the level', () => {
  const { log, events } = captured('warn');
  log.info({}, 'no');
  log.warn({}, 'yes');
  assert.deepEqual(
    events().map(({ msg }) => msg),
    ['yes'],
  );
});

it('masks secrets, at the top and inside', () => {
  const { log, lines } = captured();
  const headers = { authorization: 'Basic hush', 'shoal-auth': 'hush', accept: 'x' };
  log.info({ secret: 'hush', config: { password: 'hush' }, request: { headers }, headers }, 'event');
  assert.ok(!lines.join('').includes('hush'), lines.join(''));
  assert.ok(lines.join('').includes('"accept":"x"'));
});
