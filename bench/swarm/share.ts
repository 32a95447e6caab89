import type { AgentAddresses } from './host-messages.ts';
import { debugDump } from './load.ts';

/** Agents that are looked at; a look at one takes a fraction of a millisecond of its time. */
const lookedAtMax = 24;
const everyMs = 500;

/** How much of the blob the agents have, by the debug dumps of some that are spread evenly over all of them. */
export class ShareWatch {
  /** 0 to 1. */
  share = 0;
  readonly #agents: readonly AgentAddresses[];
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(agents: readonly AgentAddresses[]) {
    const step = Math.max(1, Math.floor(agents.length / lookedAtMax));
    this.#agents = agents.filter((_, index) => index % step === 0);
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const looks = await Promise.allSettled(this.#agents.map(({ debug }) => debugDump(debug, 'cache')));
    const shares = looks.flatMap((look) => (look.status === 'fulfilled' ? [shareIn(look.value as CacheDump)] : []));
    if (shares.length > 0) this.share = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  }
}

/** `/debug/cache` of an agent. */
interface CacheDump {
  readonly blobs: readonly { readonly have: number; readonly pieces: number }[];
}

const shareIn = ({ blobs: [blob] }: CacheDump): number => (blob ? blob.have / blob.pieces : 0);
