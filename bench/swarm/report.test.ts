import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { MetricsSnapshot } from '@shoal/local';
import { parseArguments } from './arguments.ts';
import type { Pull } from './client.ts';
import { type Measured, problemsOf, reportOf } from './report.ts';
import { parseHead } from './http-head.ts';
import { handlingP99S } from './tracker-watch.ts';

const pull = (doneMs: number | undefined): Pull => ({
  startedMs: 1000,
  firstByteMs: 1100,
  doneMs,
  receivedBytes: MiB,
  retries: 1,
  failure: doneMs === undefined ? 'the blob arrived as sha256:00' : undefined,
});

const measured = (more: Partial<Measured> = {}, args: string[] = []): Measured => ({
  options: parseArguments(['--agents', '4', '--size', '1MiB', '--rate', '1MiB', ...args]),
  pieceLength: 256 * KiB,
  pulls: [pull(2600), pull(2700), pull(2800), pull(3100)],
  completeMs: [2500, 2600, 2700, 3000],
  startedMs: 1000,
  agentCounts: {
    sentBytes: 3 * MiB,
    receivedBytes: 4 * MiB,
    httpBytes: MiB,
    corruptPieces: 0,
    messages: 400,
    links: 12,
  },
  originBytes: 1.5 * MiB,
  agentUsage: { cpuS: 2, rssBytes: 40 * MiB },
  emptyRssBytes: 10 * MiB,
  idleRssBytes: 20 * MiB,
  originUsage: { cpuS: 1, rssBytes: 5 * MiB },
  clientCpuS: 0.5,
  tracker: {
    usage: { cpuS: 0.1, rssBytes: 6 * MiB },
    announces: 8,
    requests: 9,
    failed: 0,
    requestsPerSecondMax: 4,
    handlingP99S: 0.005,
  },
  congestionControl: 'reno',
  ...more,
});

test('times count from the request to the last piece, ratios to the bound of the simulator', () => {
  const report = reportOf(measured());
  // max(F / down, N F / (N up + origin), F / origin) = 1 s, then two rounds of a piece of 0.25 s.
  assert.equal(report.boundS, 1.5);
  assert.deepEqual([report.makespanS, report.p50S, report.p99S], [2, 1.6, 2]);
  assert.deepEqual([report.makespanRatio, report.p50Ratio], [1.3333, 1.0667]);
  assert.deepEqual([report.firstByteP50S, report.clientP50S, report.clientMaxS], [0.1, 1.7, 2.1]);
  assert.deepEqual([report.completed, report.digestsRight, report.retries], [4, 4, 4]);
});

test('bytes sent and not needed are duplicates, what the origin sent are copies', () => {
  const { originCopies, duplicateRatio, httpRatio, messagesPerNode } = reportOf(measured());
  assert.deepEqual([originCopies, duplicateRatio, httpRatio, messagesPerNode], [1.5, 0.125, 0.25, 100]);
  assert.equal(reportOf(measured()).rssMiBPerAgent, 10);
});

test('without a rate there is no bound', () => {
  const report = reportOf(measured({}, ['--origin-rate', '0']));
  assert.ok(!('boundS' in report) && !('makespanRatio' in report));
});

test('a blob with other bytes fails the run and is named', () => {
  const pulls = [pull(2600), pull(undefined), pull(2800), pull(3100)];
  const report = reportOf(measured({ pulls }));
  assert.deepEqual(problemsOf(report, pulls), [
    '1 of 4 agents did not deliver the blob',
    'client 1: the blob arrived as sha256:00',
  ]);
  assert.deepEqual(problemsOf(reportOf(measured()), measured().pulls), []);
});

test("the tracker's 99th percentile is the edge of the bucket that holds it", () => {
  const metrics = new MetricsSnapshot(
    [
      'shoal_tracker_request_seconds_bucket{le="0.01",route="a"} 90',
      'shoal_tracker_request_seconds_bucket{le="0.1",route="a"} 100',
      'shoal_tracker_request_seconds_count{route="a"} 100',
    ].join('\n'),
  );
  assert.equal(handlingP99S(metrics, [0.01, 0.1]), 0.1);
  assert.equal(handlingP99S(new MetricsSnapshot(''), [0.01, 0.1]), undefined);
});

test('the head of an answer ends at the empty line, wherever that was cut', () => {
  const answer = Buffer.from('HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabc');
  const length = answer.length - 3;
  assert.equal(parseHead(answer.subarray(0, length - 1)), undefined);
  assert.deepEqual(parseHead(answer), { status: 206, length });
});
