import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB, MiB } from '@shoal/core';
import { readMetrics } from '../../deploy/local/src/demo/metrics.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { type ByteFault, FaultPlan } from './proxy/byte-fault.ts';
import type { TestImage, World } from './world.ts';

/** How a client gets an image: by the agent's own name, through the agent as a mirror, without Shoal. */
export type Way = 'own name' | 'mirror' | 'plain registry';

/** Whether it went wrong in the pull that it was armed for. */
export type Happened = () => boolean | Promise<boolean>;

/** Something that goes wrong while a client pulls. */
export interface Fault {
  readonly name: string;
  readonly what: string;
  /** What happens to a client without Shoal: a text, or the fault that stands for this one; absent for nothing. */
  readonly plain?: string | { readonly as: string };
  /** Whether agents check what each client may have. */
  readonly verify?: boolean;
  /** Whether that agent may ask the upstream itself while no origin answers. */
  readonly direct?: boolean;
  /** Who pulls: a user of the registry if `login`. `refused` is how the pull has to end. */
  readonly login?: boolean;
  readonly refused?: boolean;
  /** How long a pull may take; 60 s if absent. */
  readonly deadlineMs?: number;
  /** Makes it go wrong; what was changed is healed after the pull. */
  arm(world: World, image: TestImage, way: Way): Promise<Happened>;
}

const always: Happened = () => true;
const afterBytes = MiB;
const slow = { kind: 'slow', bytesPerSecond: 1.5 * MiB } as const;

const isPlain = (way: Way): boolean => way === 'plain registry';

/** A fault of the bodies that the upstream sends, to the origin or to a client without Shoal. */
const atUpstream = (name: string, what: string, fault: ByteFault): Fault => ({
  name,
  what: `upstream to origin: ${what}`,
  plain: `registry to client: ${what}`,
  arm: async ({ links }, _image, way) => {
    const plan = new FaultPlan(fault);
    (isPlain(way) ? links.plain : links.upstream).plan = plan;
    return () => plan.applied > 0;
  },
});

/** A fault of what the origin sends to agents. */
const atOrigin = (name: string, what: string, fault: ByteFault): Fault => ({
  name,
  what: `origin to agent: ${what}, the first two piece connections and the first body of each blob over HTTP`,
  plain: { as: name.replace(' at origin', '') },
  arm: async ({ links }) => {
    const plan = new FaultPlan(fault, 2);
    links.originHttp.plan = new FaultPlan(fault);
    links.originPieces.plan = plan;
    return () => plan.applied > 0;
  },
});

/** Flips a bit in every 64 KiB of the layers in the cache of a node. */
const rot = async (node: ClusterNode, image: TestImage): Promise<void> => {
  const sizes = new Set(image.layers.map(({ size }) => size));
  for (const entry of await readdir(node.layout.dataFolder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || !sizes.has((await stat(file)).size)) continue;
    await using handle = await open(file, 'r+');
    const { size } = await handle.stat();
    for (let at = 1000; at < size; at += 64 * KiB) {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      buffer[0] = (buffer[0] ?? 0) ^ 1;
      await handle.write(buffer, 0, 1, at);
    }
  }
};

const corruptPieces = async (world: World): Promise<number> =>
  (await readMetrics(world.agent.metricsUrl)).sum('shoal_agent_pieces_corrupt_total');

const corruptPeer: Fault = {
  name: 'corrupt peer',
  what: 'a peer whose copy has rotted, beside the origin',
  plain: 'one byte of each blob is wrong the first time',
  arm: async (world, image, way) => {
    if (isPlain(way)) {
      const plan = new FaultPlan({ kind: 'corrupt', afterBytes });
      world.links.plain.plan = plan;
      return () => plan.applied > 0;
    }
    await world.warmPeer(image);
    await rot(world.peer, image);
    const before = await corruptPieces(world);
    return async () => (await corruptPieces(world)) > before;
  },
};

const killAfterBytes = 3 * MiB;
const outageMs = 1500;

const agentKilled: Fault = {
  name: 'agent killed',
  what: 'kill -9 of the agent after 3 MiB; by its own name it is started again at once, as a mirror it stays away',
  plain: 'the registry breaks its connections after 3 MiB and is back 1.5 s later',
  // Docker gives up on a mirror after five tries of a layer, 75 s in all.
  deadlineMs: 150_000,
  arm: async ({ agent, links, meanwhile }, _image, way) => {
    let killed = false;
    const proxy = isPlain(way) ? links.plain : links.upstream;
    proxy.plan = new FaultPlan(slow);
    meanwhile.start(async (signal) => {
      await proxy.afterBytes(killAfterBytes, signal);
      killed = true;
      if (!isPlain(way)) {
        await agent.kill();
        if (way === 'own name') await agent.start();
        return;
      }
      await proxy.refuse();
      await sleep(outageMs);
      await proxy.listen();
    });
    return () => killed;
  },
};

const wantTokens: Fault['arm'] = async ({ links: { tokens } }) => {
  tokens.challenges = 0;
  tokens.demanded = true;
  return () => tokens.challenges > 0;
};

/** An image that another node has already: what is in the cluster is for those alone who may have it. */
const isPrivate: Fault['arm'] = async (world, image, way) => {
  if (!isPlain(way)) await world.warmPeer(image);
  return wantTokens(world, image, way);
};

/** In the order of the columns of the matrix. */
export const faults: readonly Fault[] = [
  { name: 'healthy', what: 'a cold image of the upstream', plain: 'nothing', arm: async () => always },
  {
    name: 'token upstream',
    what: 'an upstream that wants a token of a user, whom the origin knows',
    arm: wantTokens,
  },
  {
    name: 'upstream down',
    what: 'the upstream refuses connections; another node has the image',
    plain: 'the registry refuses connections',
    arm: async (world, image, way) => {
      if (!isPlain(way)) await world.warmPeer(image);
      await (isPlain(way) ? world.links.plain : world.links.upstream).refuse();
      return always;
    },
  },
  {
    name: 'origin down',
    what: 'no origin runs; another node has the image, and agents may ask its registry (`upstreams`)',
    direct: true,
    plain: { as: 'healthy' },
    arm: async (world, image) => {
      await world.warmPeer(image);
      await world.cluster.origin.kill();
      return always;
    },
  },
  atUpstream('truncated', 'the first body of each blob ends after 1 MiB', { kind: 'truncate', afterBytes }),
  atOrigin('truncated at origin', 'the connection ends after 1 MiB', { kind: 'truncate', afterBytes }),
  // Of one layer: not every client fetches several at once, and each that stops costs the patience of the origin.
  atUpstream('stalled', 'the first body of the largest layer stops after 4 MiB', {
    kind: 'stall',
    afterBytes: 4 * MiB,
  }),
  atOrigin('stalled at origin', 'the connection stops after 1 MiB', { kind: 'stall', afterBytes }),
  corruptPeer,
  atUpstream('slow', '1.5 MiB/s a body', slow),
  agentKilled,
  {
    name: 'private image',
    what: 'access.mode verify and an upstream that gives an image to one user alone, which another node has; the client has the login',
    plain: 'the same, at the registry itself',
    verify: true,
    login: true,
    arm: isPrivate,
  },
  {
    name: 'private image, no login',
    what: 'the same; the client has no login and has to be refused',
    plain: 'the same, at the registry itself',
    verify: true,
    refused: true,
    arm: isPrivate,
  },
];
