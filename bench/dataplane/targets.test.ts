import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Figures } from './figures.ts';
import { judge } from './targets.ts';

const figures = new Figures();
for (const value of [3, 1, 2]) figures.add('ours', value);
figures.add('theirs', 4);
const none = new Map<string, string>();

describe('judge', () => {
  it('holds the median against a number', () => {
    const verdict = judge({ figure: 'ours', sense: 'at most', limit: 1.6 }, figures, none);
    assert.deepEqual([verdict?.measured, verdict?.met, verdict?.ratio], [2, false, 1.25]);
  });

  it('holds it against a share of another figure', () => {
    const target = { figure: 'ours', sense: 'at least', limit: { of: 'theirs', times: 0.5 } } as const;
    assert.deepEqual([judge(target, figures, none)?.allowed, judge(target, figures, none)?.met], [2, true]);
  });

  it('says nothing of what was not measured', () => {
    const unknown = { figure: 'ours', sense: 'at least', limit: { of: 'nobody', times: 1 } } as const;
    assert.equal(judge(unknown, figures, none), undefined);
  });

  it('says nothing of what cannot be had here', () => {
    const target = { figure: 'ours', sense: 'at most', limit: 1, when: 'sendfile' } as const;
    assert.equal(judge(target, figures, new Map([['sendfile', 'it is not used here']])), undefined);
    assert.equal(judge(target, figures, none)?.met, false);
  });
});
