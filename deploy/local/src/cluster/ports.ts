import { once } from 'node:events';
import { createServer } from 'node:net';

/** Every process of the local cluster has a block of ten ports. */
export const portsPerBlock = 10;

/** What a process listens on, as offsets into its block; see "Ports" in docs/ARCHITECTURE.md. */
export const portOffsets = { http: 0, pieces: 1, admin: 2, debug: 3 } as const;

export type PortName = keyof typeof portOffsets;

/** Whether 127.0.0.1:`port` can be listened on. */
export const isPortFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
};

/** Below the range from which Linux takes the source ports of outgoing connections. */
const [lowest, highest] = [20_000, 32_000];
const attemptsMax = 50;

/**
 * The first port of `blocks` consecutive free blocks. They are free at the moment of the call: a test that runs at the
 * same time starts its search elsewhere.
 */
export const freePortBase = async (blocks: number): Promise<number> => {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const places = Math.floor((highest - lowest) / portsPerBlock) - blocks;
    const base = lowest + portsPerBlock * Math.floor(Math.random() * places);
    const ports = Array.from({ length: blocks }, (_, block) =>
      Object.values(portOffsets).map((offset) => base + block * portsPerBlock + offset),
    ).flat();
    const free = await Promise.all(ports.map((port) => isPortFree(port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`no ${blocks} free blocks of ${portsPerBlock} ports between ${lowest} and ${highest}`);
};
