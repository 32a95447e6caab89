import type { SimMember, SimNode } from './messages.ts';
import type { AgentPlan } from './plan.ts';
import { SimDownload } from './sim-download.ts';
import { Uploader } from './uploader.ts';
import type { World } from './world.ts';

/** An agent: one UploadQueue, and a download for each blob that it wants, a few at a time. */
export class SimAgent implements SimNode {
  readonly id: number;
  readonly role = 'agent';
  readonly zone: number;
  readonly cutOff: boolean;
  readonly plan: AgentPlan;
  readonly uploader: Uploader;
  alive = true;
  arrivedMs: number | undefined;
  firstByteMs: number | undefined;
  /** When it had the last of its blobs. */
  doneMs: number | undefined;
  readonly #world: World;
  /** In the order in which they began, and by blob. */
  readonly #downloads: SimDownload[] = [];
  readonly #ofBlob: (SimDownload | undefined)[];
  #begun = 0;
  #done = 0;

  constructor(world: World, id: number, plan: AgentPlan) {
    const { upload, egressKnown } = world.options;
    this.id = id;
    this.zone = plan.zone;
    this.cutOff = plan.cutOff;
    this.plan = plan;
    this.#world = world;
    this.#ofBlob = world.options.blobs.map(() => undefined);
    this.uploader = new Uploader(
      world,
      id,
      { ...(egressKnown && { egressMax: plan.up * 1000 }), ...upload },
      {
        rank: {
          availability: (blob, piece) => this.#ofBlob[blob]?.leech.availability(piece) ?? 0,
          held: (blob, peer) => this.#ofBlob[blob]?.leech.heldBy(peer) ?? 0,
        },
        serve: () => undefined,
        ended: () => undefined,
        corrupts: () => plan.corrupt && world.prng() < world.options.corruptShare,
      },
    );
  }

  member(blob: number): SimDownload | undefined {
    return this.#ofBlob[blob];
  }

  members(): Iterable<SimMember> {
    return this.#downloads;
  }

  linkedTo(peer: number): boolean {
    for (const { links } of this.#downloads) if (links.has(peer)) return true;
    return false;
  }

  /** Bytes that it wants in all. */
  get wantedBytes(): number {
    return this.plan.wants.reduce((sum, blob) => sum + this.#world.blob(blob).bytes, 0);
  }

  arrive(): void {
    if (!this.alive) return;
    this.arrivedMs = this.#world.events.nowMs;
    for (let count = 0; count < this.#world.options.blobsAtOnce; count++) this.#next();
    this.#share();
  }

  completed(download: SimDownload): void {
    const { events, tracker } = this.#world;
    tracker.complete(download);
    this.#done++;
    if (this.#done < this.plan.wants.length) {
      this.#next();
      this.#share();
      return;
    }
    this.doneMs = events.nowMs;
    this.#world.completed(this);
  }

  stop(): void {
    this.alive = false;
    this.uploader.stop();
    for (const download of this.#downloads) download.stop();
  }

  #share(): void {
    for (const download of this.#downloads) download.running(this.#begun - this.#done);
  }

  #next(): void {
    const blob = this.plan.wants[this.#begun];
    if (blob === undefined) return;
    this.#begun++;
    const download = new SimDownload(this.#world, this, blob);
    this.#downloads.push(download);
    this.#ofBlob[blob] = download;
    this.#world.tracker.join(download);
  }
}
