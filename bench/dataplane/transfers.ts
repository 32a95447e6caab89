import { blobPath, percentile, repository, type Round, type Scenario } from './round.ts';
import { measure } from './usage.ts';
import { settleMemory } from './settle-memory.ts';
import type { Pair } from './cluster.ts';
import type { Service } from './processes.ts';

/** POST and PUT of the blob; the answer comes when its bytes are on the medium. */
export const push: Scenario = async ({ figures, cluster: { origin }, client, blob: { path: file, size, digest } }) => {
  await settleMemory(size);
  const { result, cpu } = await measure({ origin: origin.pid }, () =>
    client.run({ kind: 'push', base: origin.url('registry'), repository, file, size, digest }),
  );
  figures.addTransfer('push', size, result.seconds, cpu);
};

/** One client through one agent that has nothing yet: it fetches, verifies, stores and streams at once. */
export const cold: Scenario = async ({ figures, cluster: { agent, origin }, client, blob: { digest, size } }) => {
  const complete = agent.logged('download complete', digest);
  await settleMemory(size);
  await eventLoopDelayMs(agent);
  const { result, cpu } = await measure({ agent: agent.pid, origin: origin.pid }, () =>
    client.run({ kind: 'fetch', base: agent.url('registry'), path: blobPath(digest), connections: 1 }),
  );
  if (result.bytes !== size) throw new Error(`cold: ${result.bytes} of ${size} bytes came`);
  await complete;
  figures.addTransfer('cold', size, result.seconds, cpu);
  figures.add('cold.first-byte.ms', percentile(result.firstByteMs, 0.5));
  figures.add('cold.event-loop-p99.ms', await eventLoopDelayMs(agent));
};

/** Lets a service fetch a blob that no client reads; resolves when it is complete. */
const pull = async (service: Service, digest: string): Promise<void> => {
  const complete = service.logged('download complete', digest);
  const { status } = await fetch(`${service.url('registry')}${blobPath(digest)}`, { headers: { range: 'bytes=0-0' } });
  if (status !== 206) throw new Error(`status ${status} for a range of the blob`);
  await complete;
};

/** An agent that knows no origin takes the blob from others that have it; no client reads it. */
const exchangeTo = async (
  { figures, blob: { digest, size } }: Round,
  { name, receiver, senders }: { name: string; receiver: Service; senders: readonly Service[] },
): Promise<void> => {
  await settleMemory(size);
  await eventLoopDelayMs(receiver);
  const pids = Object.fromEntries(senders.map(({ pid }, index) => [`sender${index}`, pid]));
  const { seconds, cpu } = await measure({ receiver: receiver.pid, ...pids }, () => pull(receiver, digest));
  const sum = Object.values(cpu).reduce((total, each) => total + each, 0);
  figures.addTransfer(name, size, seconds, { receiver: cpu['receiver']!, sender: sum - cpu['receiver']! });
  figures.add(`${name}.sum.cpuPerGB`, (sum / size) * 1e9);
  figures.add(`${name}.event-loop-p99.ms`, await eventLoopDelayMs(receiver));
};

export const exchange: Scenario = (round) => {
  const { agent, follower } = round.cluster;
  return exchangeTo(round, { name: 'exchange', receiver: follower, senders: [agent] });
};

/** The receiver has two threads, and two agents to receive from. */
export const threads: Scenario = async (round) => {
  const { agent, follower } = round.cluster;
  const receiver = await round.cluster.threaded();
  return exchangeTo(round, { name: 'threads', receiver, senders: [agent, follower] });
};

/** The same between agents that no one else exchanges pieces with. */
const exchangeOf = async (round: Round, name: string, { sender, receiver }: Pair): Promise<void> => {
  await pull(sender, round.blob.digest);
  return exchangeTo(round, { name, receiver, senders: [sender] });
};

export const exchangeOverTls: Scenario = async (round) =>
  exchangeOf(round, 'exchange-tls', await round.cluster.securedPair());

export const exchangeByCopies: Scenario = async (round) =>
  exchangeOf(round, 'exchange-copying', await round.cluster.copyingPair());

/** How late timers of the main thread ran since the question before, 99th percentile. */
const eventLoopDelayMs = async (service: Service): Promise<number> => {
  const text = await (await fetch(`${service.url('admin')}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1]) * 1000;
};
