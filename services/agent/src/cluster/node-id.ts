import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePeerId, type PeerId } from '@shoal/core';
import { writeFileAtomic } from '@shoal/store';

export interface NodeId {
  readonly peerId: PeerId;
  /** Grows with every start, so that a restarted node replaces its dead self at peers and trackers. */
  readonly incarnation: number;
}

/** The node's id over restarts, from `node.json` in `folder`; a lost or broken file makes a new node. */
export const loadNodeId = async (folder: string, clock: () => number): Promise<NodeId> => {
  const file = join(folder, 'node.json');
  const before = await readNode(file);
  const node: NodeId = {
    peerId: before?.peerId ?? parsePeerId(randomBytes(20).toString('hex')),
    incarnation: Math.max((before?.incarnation ?? 0) + 1, clock()),
  };
  await writeFileAtomic(file, Buffer.from(JSON.stringify({ formatVersion: 1, ...node })));
  return node;
};

const readNode = async (file: string): Promise<NodeId | undefined> => {
  try {
    const { peerId, incarnation } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    return {
      peerId: parsePeerId(String(peerId)),
      incarnation: Number.isSafeInteger(incarnation) ? Number(incarnation) : 0,
    };
  } catch {
    return undefined;
  }
};
