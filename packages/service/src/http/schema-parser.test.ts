import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InvalidValueError, Type } from '@shoal/core';
import { schemaParser } from './schema-parser.ts';

const parse = schemaParser(
  Type.Object({
    peer: Type.Object({ port: Type.Integer({ minimum: 1, maximum: 9 }) }),
    events: Type.Array(Type.Union([Type.Literal('join'), Type.Literal('leave')]), { maxItems: 2 }),
  }),
);

it('gives back what matches', () => {
  const value = { peer: { port: 1 }, events: ['join'] };
  assert.equal(parse(value), value);
});

const wrong: [value: unknown, message: RegExp][] = [
  [{ peer: { port: 0 }, events: [] }, /^peer\.port: 0 is not allowed; allowed is a whole number from 1 to 9$/],
  [{ peer: {}, events: [] }, /^peer\.port: undefined is not allowed/],
  [{ peer: { port: 1 }, events: ['join', 'go'] }, /^events\[1\]: "go" is not allowed; allowed is one of join, leave$/],
  [{ peer: { port: 1 }, events: ['join', 'join', 'join'] }, /^events: /],
  [{ peer: { port: { toString: null } }, events: [] }, /^peer\.port: \{"toString":null\} is not allowed/],
  ['text', /^body: "text" is not allowed; allowed is a section with the keys peer, events$/],
  [undefined, /^body: undefined/],
];
for (const [value, message] of wrong) {
  it(`names what is wrong with ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => parse(value),
      (error) => {
        assert.ok(error instanceof InvalidValueError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
