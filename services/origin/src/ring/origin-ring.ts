import { setMaxListeners } from 'node:events';
import { OciError, type PublicKeyRecord, type Signature } from '@shoal/core';
import type { ClusterAnnouncement } from '@shoal/protocol';
import { UpstreamError } from '@shoal/registry';
import { Ring } from '@shoal/ring';
import { TrustedKeys } from '@shoal/store';
import type { Fellow } from './fellow.ts';
import { FellowBusyError } from './fellow-error.ts';

export interface RingEvents {
  fellowUp(url: string, peerId: string): void;
  fellowDown(url: string, reason: string): void;
  /** `fellow`: another origin answered; `alone`: there is none that comes first, or none answers. */
  ringAsked(by: 'fellow' | 'alone'): void;
}

export interface OriginRingOptions {
  readonly fellows: readonly Fellow[];
  readonly self: { readonly peerId: string; readonly clusterId: string };
  readonly checkMs: number;
  readonly events: RingEvents;
}

/** Question with an answer of another origin. */
export type RingQuestion<T> = (fellow: Fellow, signal: AbortSignal) => Promise<T>;

interface Member {
  readonly fellow: Fellow;
  told: ClusterAnnouncement | undefined;
  /** Checks without an answer in a row. */
  silent: number;
  /** A check is under way. */
  asking: boolean;
  /** Aborts when it goes down: whoever waits for it turns to the next. */
  up: AbortController | undefined;
}

const silentMax = 2;

/** How often one that does not answer is looked for. */
const missingMs = 500;

/**
 * The origins of a cluster and which of them does what: the first healthy one in the order of a key fetches it, all others
 * ask that one. The order is by peer ids, so that it is the same everywhere, whatever URL an origin is known by.
 */
export class OriginRing implements Disposable {
  readonly #o: OriginRingOptions;
  readonly #members: readonly Member[];
  #ring: Ring;
  #trusted = new TrustedKeys([]);
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: OriginRingOptions) {
    this.#o = options;
    this.#members = options.fellows.map((fellow) => ({
      fellow,
      told: undefined,
      silent: 0,
      asking: false,
      up: undefined,
    }));
    this.#ring = Ring.of([options.self.peerId]);
  }

  /** Looks once who is there, then goes on in the background. */
  async start(): Promise<void> {
    await this.#check(() => true);
    if (this.#members.length === 0) return;
    const { checkMs } = this.#o;
    this.#timers.push(
      setInterval(() => void this.#check(({ up }) => up !== undefined), checkMs),
      setInterval(() => void this.#check(({ up }) => up === undefined), Math.min(checkMs, missingMs)),
    );
    for (const timer of this.#timers) timer.unref();
  }

  /** Public keys of the other origins. */
  get keys(): readonly PublicKeyRecord[] {
    return this.#trusted.records;
  }

  /** URLs of the other origins by whether they answer; this one itself is in neither list. */
  get state(): { readonly up: readonly string[]; readonly down: readonly string[] } {
    const others = this.#members.filter(({ told }) => told?.peerId !== this.#o.self.peerId);
    const urls = (up: boolean) => others.filter((member) => !!member.up === up).map(({ fellow }) => fellow.url);
    return { up: urls(true), down: urls(false) };
  }

  /** Whether another origin has signed it. */
  verify(statement: Uint8Array, signatures: readonly Signature[]): boolean {
    return this.#trusted.verify(statement, signatures);
  }

  /**
   * The answer of the first origin that comes before this one in the order of the key; undefined: this one is it.
   * @throws OciError (404), UpstreamError (502): what that origin says
   */
  async ask<T>(
    key: string,
    question: RingQuestion<T>,
    signal?: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    for (const member of this.#before(key)) {
      const { up, fellow } = member;
      if (!up) continue;
      try {
        const value = await question(fellow, signal ? AbortSignal.any([signal, up.signal]) : up.signal);
        this.#o.events.ringAsked('fellow');
        return { value };
      } catch (error) {
        if (error instanceof OciError || error instanceof UpstreamError) throw error;
        signal?.throwIfAborted();
        if (!(error instanceof FellowBusyError)) this.#down(member, error);
      }
    }
    if (this.#members.length > 0) this.#o.events.ringAsked('alone');
    return undefined;
  }

  /** Looks at once whether an origin lives whose answer broke off. */
  async lives(fellow: Fellow): Promise<boolean> {
    const member = this.#members.find((one) => one.fellow === fellow);
    if (member?.up) await this.#look(member);
    return member?.up !== undefined;
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { up } of this.#members) up?.abort(new Error('the process stops'));
  }

  #before(key: string): Member[] {
    const order = this.#ring.owners(key, this.#ring.members.length);
    return order
      .slice(0, order.indexOf(this.#o.self.peerId))
      .flatMap((peerId) => this.#members.find(({ told }) => told?.peerId === peerId) ?? []);
  }

  #check(which: (member: Member) => boolean): Promise<unknown> {
    const isSelf = ({ told }: Member): boolean => told?.peerId === this.#o.self.peerId;
    const due = this.#members.filter((member) => !isSelf(member) && !member.asking && which(member));
    return Promise.all(due.map((member) => this.#look(member)));
  }

  async #look(member: Member): Promise<void> {
    member.asking = true;
    try {
      const told = await member.fellow.announcement(this.#o.checkMs);
      const { clusterId } = this.#o.self;
      if (told.clusterId !== clusterId)
        throw new Error(
          `it belongs to the cluster ${JSON.stringify(told.clusterId)}, not to ${JSON.stringify(clusterId)}`,
        );
      member.silent = 0;
      this.#met(member, told);
    } catch (error) {
      member.silent++;
      if (member.silent >= silentMax || isRefused(error)) this.#down(member, error);
    } finally {
      member.asking = false;
    }
  }

  #met(member: Member, told: ClusterAnnouncement): void {
    const known = member.told;
    member.told = told;
    if (told.peerId === this.#o.self.peerId) return;
    if (known?.peerId !== told.peerId || known.keys[0]?.keyId !== told.keys[0]?.keyId) this.#learn();
    if (member.up) return;
    member.up = new AbortController();
    setMaxListeners(0, member.up.signal);
    this.#ring = this.#ring.after({ type: 'up', member: told.peerId });
    this.#o.events.fellowUp(member.fellow.url, told.peerId);
  }

  #learn(): void {
    const told = this.#members.flatMap((member) => member.told ?? []);
    this.#ring = this.#ring.after({
      type: 'members',
      members: [this.#o.self.peerId, ...told.map(({ peerId }) => peerId)],
    });
    // Its own stands first; what it has heard of others would never be forgotten if each repeated it.
    this.#trusted = new TrustedKeys(told.flatMap(({ keys }) => keys.slice(0, 1)));
  }

  #down(member: Member, error: unknown): void {
    const { up, told, fellow } = member;
    if (!up || !told) return;
    member.up = undefined;
    this.#ring = this.#ring.after({ type: 'down', member: told.peerId });
    const reason = error instanceof Error ? error.message : String(error);
    this.#o.events.fellowDown(fellow.url, reason);
    up.abort(new Error(`${fellow.url} is down: ${reason}`));
  }
}

/** Nobody listens there any more. */
const isRefused = (error: unknown): boolean => {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return code === 'ECONNREFUSED' || (cause !== undefined && isRefused(cause));
};
