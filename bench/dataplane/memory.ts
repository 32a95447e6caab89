import { setTimeout as wait } from 'node:timers/promises';
import { formatAddress } from '@shoal/core';
import { Figures } from './figures.ts';
import { connectPeer } from './peer-connection.ts';
import { blobPath, type Round } from './round.ts';
import { push } from './transfers.ts';
import { residentBytes, resetPeak } from './usage.ts';

const connections = 40;
/** Until what the start left behind has been collected. */
const settleMs = 5000;

/** Resident memory of a fresh agent: idle with 40 peers, and at most while a large blob moves through it. */
export const memory = async (round: Round): Promise<void> => {
  const { cluster, figures, client, blob } = round;
  await push({ ...round, figures: new Figures() });
  // Stopping writes the compile cache, which the second start then finds.
  await (await cluster.freshAgent('first'))[Symbol.asyncDispose]();
  await using agent = await cluster.freshAgent('mover');
  await wait(settleMs);
  figures.add('memory-idle.MB', residentBytes(agent.pid, 'VmRSS') / 1e6);
  await using peers = new AsyncDisposableStack();
  for (let index = 0; index < connections; index++) await connectPeer(peers, formatAddress(agent.addresses['pieces']!));
  await wait(settleMs);
  figures.add(`memory-idle-${connections}-peers.MB`, residentBytes(agent.pid, 'VmRSS') / 1e6);
  await peers.disposeAsync();
  resetPeak(agent.pid);
  const complete = agent.logged('download complete', blob.digest);
  await client.run({ kind: 'fetch', base: agent.url('registry'), path: blobPath(blob.digest), connections: 1 });
  await complete;
  figures.add('memory-moving.MB', residentBytes(agent.pid, 'VmHWM') / 1e6);
};
