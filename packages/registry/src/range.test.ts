import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseRange, parseUploadRange, RangeNotSatisfiableError, uploadedRange } from './range.ts';

describe('parseRange', () => {
  const size = 3000;
  for (const [header, start, end] of [
    ['bytes=500-1499', 500, 1500],
    ['bytes=500-', 500, 3000],
    ['bytes=-500', 2500, 3000],
    ['bytes=-5000', 0, 3000],
    ['bytes=2000-5000', 2000, 3000],
    ['bytes=0-', 0, 3000],
    ['bytes=0-0', 0, 1],
    ['Bytes = 1 - 2', 1, 3],
  ] as const) {
    it(`${header} of ${size} bytes is ${start} to ${end - 1}`, () =>
      assert.deepEqual(parseRange(header, size), { start, end }));
  }

  for (const header of ['bytes=500-0', 'bytes=5000-10000', 'bytes=3000-', 'bytes=-0']) {
    it(`${header} cannot be satisfied`, () => assert.throws(() => parseRange(header, size), RangeNotSatisfiableError));
  }

  for (const header of [
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'items=0-1',
    'bytes=0-1,5-6',
    'bytes=1.5-3',
    'bytes=--1',
  ]) {
    it(`${header} asks for the whole`, () => assert.equal(parseRange(header, size), undefined));
  }

  it('never leaves the blob, whatever is asked', () => {
    const numbers = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(''));
    fc.assert(
      fc.property(numbers, numbers, fc.nat(1_000_000), (first, last, bytes) => {
        try {
          const range = parseRange(`bytes=${first}-${last}`, bytes);
          return range === undefined || (range.start >= 0 && range.start < range.end && range.end <= bytes);
        } catch (error) {
          return error instanceof RangeNotSatisfiableError;
        }
      }),
    );
  });

  it('answers any text without another error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseRange(text, 10);
          return true;
        } catch (error) {
          return error instanceof RangeNotSatisfiableError;
        }
      }),
    );
  });
});

describe('parseUploadRange', () => {
  for (const [header, start, end] of [
    ['0-1023', 0, 1024],
    ['bytes 1024-2047', 1024, 2048],
    ['bytes 0-9/10', 0, 10],
    ['5-5', 5, 6],
  ] as const) {
    it(`takes ${header}`, () => assert.deepEqual(parseUploadRange(header), { start, end }));
  }

  for (const header of ['', '1023', '10-5', 'bytes=0-1', '-5', '0-', 'a-b', '0-1, 2-3']) {
    it(`refuses ${JSON.stringify(header)}`, () =>
      assert.throws(() => parseUploadRange(header), { code: 'BLOB_UPLOAD_INVALID', status: 400 }));
  }

  it('is absent without a header', () => assert.equal(parseUploadRange(undefined), undefined));
});

describe('uploadedRange', () => {
  it('is parseable before anything was uploaded', () => assert.equal(uploadedRange(0), '0-0'));
  it('names the last byte', () => assert.equal(uploadedRange(1024), '0-1023'));
});
