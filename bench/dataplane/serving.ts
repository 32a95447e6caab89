import { detectSendfile } from '@shoal/transport/sendfile';
import type { Service } from './processes.ts';
import { blobPath, repository, type Round, type Scenario } from './round.ts';
import { settleMemory } from './settle-memory.ts';
import { measure } from './usage.ts';

/** Why bodies do not go by sendfile(2) on this machine; undefined where they do. */
export const whyNoSendfile: string | undefined = await (async () => {
  let why: string | undefined;
  await detectSendfile('auto', { info: (fields) => (why = (fields as { reason: string }).reason) });
  return why;
})();

const ways = whyNoSendfile === undefined ? (['on', 'off'] as const) : (['off'] as const);

/** A transfer to 1 client takes less than a tenth of a second: so several are measured a run. */
const loads = [
  { connections: 1, times: 4 },
  { connections: 8, times: 1 },
];

/** Whole bodies to 1 client, and to 8 at once, from the page cache. */
export const fetchBodies = async (
  { figures, client }: Pick<Round, 'figures' | 'client'>,
  name: string,
  server: { readonly base: string; readonly path: string; readonly pid: number; readonly size: number },
): Promise<void> => {
  const { base, path, pid, size } = server;
  await settleMemory(size);
  for (const { connections, times } of loads) {
    const figure = `${name}-${connections === 1 ? '1-client' : `${connections}-clients`}`;
    const job = { kind: 'fetch', base, path, connections } as const;
    for (let time = 0; time < times; time++) {
      const { result, cpu } = await measure({ server: pid }, () => client.run(job));
      if (result.bytes !== size * connections)
        throw new Error(`${figure}: ${result.bytes} of ${size * connections} bytes came`);
      figures.addTransfer(figure, result.bytes, result.seconds, cpu);
    }
  }
};

const served = (service: Service, { blob: { digest, size } }: Round) => ({
  base: service.url('registry'),
  path: blobPath(digest),
  pid: service.pid,
  size,
});

/** From the origin that takes the pushes, and from one without sendfile(2), which first gets the blob as well. */
export const fromOrigin: Scenario = async (round) => {
  const { path: file, size, digest } = round.blob;
  const copying = await round.cluster.copyingOrigin();
  await round.client.run({ kind: 'push', base: copying.url('registry'), repository, file, size, digest });
  for (const way of ways)
    await fetchBodies(round, `origin-sendfile-${way}`, served(way === 'on' ? round.cluster.origin : copying, round));
};

/** From agents whose caches lie where nginx and docker-registry have their files: a read of tmpfs costs more. */
export const warm: Scenario = async (round) => {
  for (const way of ways) {
    const agent = served(await round.cluster.diskAgent(way), round);
    await round.client.run({ kind: 'fetch', base: agent.base, path: agent.path, connections: 1 });
    await fetchBodies(round, `warm-sendfile-${way}`, agent);
  }
};
