import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnnounceRequest } from '@shoal/protocol';
import type { PeerId } from '@shoal/core';
import { digestOf, peer as memberOf, swarmId } from '../store/peer-store-conformance.ts';
import { Player } from '../../ui/replay.js';
import { LiveSwarms } from './live-swarms.ts';
import { Recorder } from './recorder.ts';
import { merged, Recording, type RecordingLimits } from './recording.ts';
import type { Frame, NodeView } from './views.ts';

/** Peer ids that differ in their first digits, as random ones do. */
const peer = (n: number, o: object = {}) =>
  memberOf(n, { peerId: `${n.toString(16)}`.padEnd(40, '0') as PeerId, ...o });

const node = (id: string, have: number): NodeView => ({ id, have, held: 'f'.repeat(have) }) as NodeView;
const frame = (atMs: number, nodes: NodeView[], gone: string[] = []) => ({
  atMs,
  whole: atMs === 0,
  nodes,
  gone,
  row: null,
});
const recordingOf = (limits: Partial<RecordingLimits> = {}): Recording =>
  new Recording('1-a', 0, { bytesMax: 1e6, framesMax: 20, gapMs: 100, ...limits });

describe('a recording', () => {
  it('holds what has changed, and ends as the last frame was, however much it was thinned', () => {
    const recording = recordingOf();
    for (let at = 0; at <= 100; at++) {
      const gone = at === 60 ? ['b'] : [];
      recording.add(frame(at * 100, [node('a', at), ...(at < 60 ? [node('b', at)] : [])], gone));
    }
    const { frames, shown, endedMs } = recording.view();
    assert.ok(frames <= 20 && frames >= 10, String(frames));
    assert.equal(endedMs, 10_000);
    const player = new Player(shown);
    player.seek(endedMs);
    assert.deepEqual([...player.nodes.values()], [node('a', 100)]);
    player.seek(3000);
    assert.deepEqual([...player.nodes.keys()], ['a', 'b']);
    assert.ok((player.nodes.get('a')?.have ?? 99) <= 30);
  });

  it('stays within its bytes: longer ones lose detail, and at last their end', () => {
    const recording = recordingOf({ bytesMax: 6000, framesMax: 1000 });
    for (let at = 0; at < 400; at++) recording.add(frame(at * 100, [node(`n${at % 7}`, at)]));
    assert.ok(recording.bytes <= 6000);
    assert.equal(
      recording.bytes,
      recording.view().shown.reduce((sum, shown) => sum + JSON.stringify(shown).length, 0),
    );
    const tiny = recordingOf({ bytesMax: 100 });
    tiny.add(frame(0, [node('a', 500)]));
    assert.deepEqual([tiny.bytes, tiny.view().cut], [0, true]);
  });

  it('two frames in a row are as one', () => {
    const first: Frame = {
      atMs: 1,
      whole: false,
      nodes: [
        { id: 'a', have: 1 },
        { id: 'b', have: 2 },
      ],
      gone: ['c'],
    };
    const second: Frame = { atMs: 2, whole: false, nodes: [{ id: 'a', complete: true }], gone: ['b'] };
    assert.deepEqual(merged(first, second), {
      atMs: 2,
      whole: false,
      nodes: [{ id: 'a', have: 1, complete: true }],
      gone: ['c', 'b'],
    });
  });
});

describe('the recorder', () => {
  const told = (n: number, swarm: number, event: 'join' | 'complete'): AnnounceRequest => ({
    peer: peer(n),
    swarms: [{ swarm: swarmId(swarm), digest: digestOf(swarm), event, have: 0, pieces: 10, degree: 0, want: 0 }],
  });

  const pull = (recordingsMax: number, swarmCount: number): Recorder => {
    const recorder = new Recorder({ recordingsMax, recordingBytesMax: 1e6 });
    const swarms = new LiveSwarms(1e9);
    let nowMs = 0;
    const pass = (ms: number): void => {
      for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 500) recorder.tick(swarms, nowMs);
    };
    for (let swarm = 1; swarm <= swarmCount; swarm++) {
      for (const event of ['join', 'complete'] as const) {
        for (let n = 1; n <= 5; n++) {
          const { peer: self, swarms: announces } = told(n, swarm, event);
          swarms.announced(self, announces, nowMs);
          pass(1000);
        }
      }
      pass(12_000);
    }
    return recorder;
  };

  it('keeps the last swarms that have finished, the newest first', () => {
    const recorder = pull(2, 4);
    const rows = recorder.list();
    assert.deepEqual(
      rows.map(({ swarm }) => swarm),
      [swarmId(4), swarmId(3)],
    );
    const [newest] = rows;
    const recording = recorder.get(newest?.id ?? '');
    assert.equal(recording?.nodes, 5);
    const player = new Player(recording?.shown ?? []);
    assert.equal(player.nodes.size, 1, 'it begins with the first node');
    player.seek(Infinity);
    assert.ok([...player.nodes.values()].every(({ complete }) => complete));
    assert.equal(recorder.get('none'), undefined);
    assert.ok(recorder.bytes > 0);
  });

  it('records nothing when it is to keep nothing', () => assert.equal(pull(0, 1).bytes, 0));
});
