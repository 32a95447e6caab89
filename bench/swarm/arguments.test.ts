import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { parseArguments } from './arguments.ts';
import { spread } from './run.ts';

test('sizes, rates and counts have the defaults that the usage names', () => {
  const { agents, size, rate, originRate, processes, killed, json } = parseArguments([]);
  assert.deepEqual([agents, size, processes, killed, json], [32, 64 * MiB, 2, 0, false]);
  assert.deepEqual([rate, originRate], [0, MiB]);
});

test('the origin is as fast as an agent unless it is told otherwise, and 0 is without limit', () => {
  const args = (...more: string[]) => parseArguments(['--agents', '4', '--rate', '2MiB', ...more]);
  assert.deepEqual([args().rate, args().originRate], [2 * MiB, 2 * MiB]);
  assert.deepEqual([args('--origin-rate', '0').rate, args('--origin-rate', '0').originRate], [2 * MiB, 0]);
  assert.equal(parseArguments(['--rate', '0']).rate, 0);
});

test('a share of the agents is killed, at least one and never all', () => {
  const killed = (agents: number, kill: string): number =>
    parseArguments(['--agents', String(agents), '--kill', kill]).killed;
  assert.deepEqual([killed(32, '5%'), killed(1000, '5%'), killed(4, '5%'), killed(10, '3')], [2, 50, 1, 3]);
  assert.throws(() => killed(1, '5%'), /--kill.*leaves one of 1 agents/);
});

test('many agents are spread over more processes, evenly', () => {
  assert.equal(parseArguments(['--agents', '1000']).processes, 8);
  assert.equal(parseArguments(['--agents', '1']).processes, 1);
  assert.deepEqual(spread(10, 4), [2, 2, 3, 3]);
  assert.deepEqual(spread(1, 3), [1]);
});

const refused: [args: string[], message: RegExp][] = [
  [['--agents', '0'], /--agents: "0" is not allowed; allowed: a whole number from 1 to 2000$/],
  [['--agents', 'many'], /--agents: "many"/],
  [['--size', '1KiB'], /--size: "1KiB" is not allowed; allowed: 1MiB to 4GiB$/],
  [['--size', 'big'], /--size: "big"/],
  [['--rate', 'fast'], /--rate: "fast"/],
  [['--kill', '100%'], /--kill: "100%".* or a share such as 5%$/],
  [['--processes', '33'], /--processes: "33" is not allowed; allowed: a whole number from 1 to 32$/],
  [['--speed'], /--speed/],
];
for (const [args, message] of refused) {
  test(`names what is wrong with ${args.join(' ')}`, () => {
    assert.throws(() => parseArguments(args), message);
  });
}
