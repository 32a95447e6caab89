import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePeerId, type PeerId } from '@shoal/core';
import { writeFileAtomic } from '@shoal/store';

/** The peer id of this folder: made once, kept over restarts. @throws InvalidValueError when the file is damaged */
export const loadPeerId = async (folder: string): Promise<PeerId> => {
  const file = join(folder, 'peer-id');
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined) return parsePeerId(kept.trim());
  const peerId = parsePeerId(randomBytes(20).toString('hex'));
  await writeFileAtomic(file, Buffer.from(`${peerId}\n`));
  return peerId;
};
