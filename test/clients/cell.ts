import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client, Login } from './clients/index.ts';
import type { Fault, Way } from './faults.ts';
import { type TestImage, upstreamName, user, type World } from './world.ts';

/** What came of one pull. */
export type Outcome =
  | { readonly kind: 'ok'; readonly seconds: number; readonly from: 'agent' | 'agent and registry' | 'registry' }
  /** The client said so or had to be ended; it has nothing wrong. */
  | { readonly kind: 'failed'; readonly seconds: number; readonly reason: string }
  /** As it has to be; the text is what the client said. */
  | { readonly kind: 'refused'; readonly seconds: number; readonly reason: string }
  | { readonly kind: 'wrong'; readonly reason: string }
  | { readonly kind: 'not run'; readonly reason: string };

export interface Cell {
  readonly client: string;
  readonly way: Way;
  readonly fault: string;
  readonly outcome: Outcome;
}

const usualDeadlineMs = 60_000;

/** How the client says the image, and whom it asks first. */
const naming = (world: World, image: TestImage, way: Way, client: Client, { verify = false }: Fault) => {
  const { links, agent, hubMirror } = world;
  const tagged = (host: string): string => `${host}/${image.repository}:${image.tag}`;
  // Most clients look for the challenge of a registry at /v2/ alone; only a listener for one registry can give it there.
  if (way === 'own name' && verify) return { reference: tagged(new URL(hubMirror).host) };
  if (way === 'own name') return { reference: tagged(`${agent.registry}/${upstreamName}`) };
  if (way === 'plain registry') return { reference: tagged(links.plain.host) };
  const ofDocker = client.mirror === 'docker';
  const registry = ofDocker ? 'docker.io' : links.upstream.host;
  return { reference: tagged(registry), mirror: { agent: ofDocker ? hubMirror : agent.url, registry } };
};

/** Pushes an image that nobody has, lets the fault happen, and pulls. The world is healed afterwards. */
export const runCell = async (
  world: World,
  client: Client,
  fault: Fault,
  way: Way,
  stop: AbortSignal,
): Promise<Cell> => {
  const cell = { client: client.name, way, fault: fault.name };
  const folder = await mkdtemp(path.join(tmpdir(), 'sc-')); // Paths of sockets below it are at most 107 bytes.
  try {
    const repository = [fault.name, client.name, way].map((part) => part.replaceAll(/[^A-Za-z0-9]+/g, '-')).join('/');
    const image = await world.push(repository.toLowerCase());
    const happened = await fault.arm(world, image, way);
    const login = fault.login ? user : undefined;
    const { deadlineMs = usualDeadlineMs } = fault;
    const request = { ...naming(world, image, way, client, fault), folder, stop, login, deadlineMs };
    const pulled = await pull(world, client, request, image);
    const outcome = fault.refused ? refusal(pulled) : pulled;
    if (outcome.kind === 'ok' && !(await happened()))
      return { ...cell, outcome: { kind: 'not run', reason: 'the fault did not happen' } };
    return { ...cell, outcome };
  } finally {
    await world.heal();
    await rm(folder, { recursive: true, force: true });
  }
};

/** What an end means where a client has to be refused for want of a login. */
const refusal = (outcome: Outcome): Outcome => {
  if (outcome.kind === 'ok') return { kind: 'wrong', reason: 'nobody in particular got a private image' };
  if (outcome.kind !== 'failed' || !/\b401\b|unauthori[sz]ed|authentication required|denied/i.test(outcome.reason))
    return outcome;
  return { ...outcome, kind: 'refused' };
};

/** Bytes of blobs that clients have taken from the registry themselves; the origin has no User-Agent. */
const directBytes = ({ links }: World): number =>
  [...links.upstream.forwardedTo, ...links.plain.forwardedTo].reduce(
    (sum, [agent, bytes]) => (agent === '' ? sum : sum + bytes),
    0,
  );

const source = (direct: number, image: TestImage) => {
  if (direct === 0) return 'agent';
  return direct < image.size - image.manifest.length ? 'agent and registry' : 'registry';
};

interface Pull {
  readonly reference: string;
  readonly mirror?: { readonly agent: string; readonly registry: string };
  readonly folder: string;
  readonly stop: AbortSignal;
  readonly login: Login | undefined;
  readonly deadlineMs: number;
}

const pull = async (
  world: World,
  client: Client,
  { stop, deadlineMs, ...request }: Pull,
  image: TestImage,
): Promise<Outcome> => {
  let seconds = 0;
  const timed = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    try {
      return await work(AbortSignal.any([AbortSignal.timeout(deadlineMs), stop]));
    } finally {
      seconds = (performance.now() - startMs) / 1000;
    }
  };
  try {
    const before = directBytes(world);
    const digest = await client.pull({ ...request, hub: world.links.hub, timed });
    if (image.digests.includes(digest))
      return { kind: 'ok', seconds, from: source(directBytes(world) - before, image) };
    return { kind: 'wrong', reason: `${digest} in place of ${image.digests.join(' or ')}` };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (text.startsWith('wrong bytes')) return { kind: 'wrong', reason: text };
    const late = seconds * 1000 >= deadlineMs;
    return { kind: 'failed', seconds, reason: late ? `not done after ${deadlineMs / 1000} s` : text };
  }
};
