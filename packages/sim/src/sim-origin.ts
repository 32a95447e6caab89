import { Bitfield } from '@shoal/core';
import { SuperSeed, type SuperSeedEvent } from '@shoal/swarm';
import type { SimMessage, SimNode } from './messages.ts';
import { Uploader } from './uploader.ts';
import type { World } from './world.ts';

/** An origin: SuperSeed and UploadQueue over the simulated network. */
export class SimOrigin implements SimNode {
  readonly id: number;
  readonly role = 'origin';
  readonly links = new Set<number>();
  readonly superSeed: SuperSeed;
  alive = true;
  readonly #world: World;
  readonly #uploader: Uploader;

  constructor(world: World, id: number, originIndex: number) {
    const { origins, originUp, agentUp, pieceCount, upload, egressKnown } = world.options;
    this.id = id;
    this.#world = world;
    this.superSeed = new SuperSeed({ pieceCount, prng: world.prng, originIndex, originCount: origins });
    const activeMax = Math.max(16, Math.ceil((4 * originUp) / agentUp));
    this.#uploader = new Uploader(
      world,
      id,
      { activeMax, egressMax: egressKnown ? originUp * 1000 : undefined, ...upload },
      {
        rank: {
          availability: (_swarm, piece) => this.superSeed.availability(piece),
          held: (_swarm, peer) => this.superSeed.heldBy(peer),
        },
        serve: (peer) => this.superSeed.serve(peer, world.events.nowMs),
        ended: (peer, piece, ok) => this.#handle({ type: 'offerEnded', peer, piece, ok }),
        corrupts: () => false,
      },
    );
  }

  have(): Bitfield {
    return Bitfield.full(this.#world.options.pieceCount);
  }

  linkUp(peer: number, _role: string, have: Bitfield): void {
    this.links.add(peer);
    this.#handle({ type: 'peerJoined', peer, have });
  }

  linkDown(peer: number): void {
    if (!this.links.delete(peer)) return;
    this.#handle({ type: 'peerLeft', peer });
    this.#uploader.peerLeft(peer);
  }

  stop(): void {
    this.alive = false;
    this.#uploader.stop();
  }

  receive(from: number, message: SimMessage): void {
    const bytes = this.#world.options.pieceLength;
    if (message.type === 'wantAny') {
      this.#handle({ type: 'wantAny', peer: from, haveDelta: message.haveDelta, prefer: message.prefer });
    } else if (message.type === 'request') {
      const { piece } = message;
      this.#uploader.handle({ type: 'request', peer: from, swarm: 0, piece, bytes, availability: 0, requesterHeld: 0 });
    } else if (message.type === 'cancel') {
      this.#uploader.cancel(from, message.piece);
    }
  }

  #handle(event: SuperSeedEvent): void {
    const { superSeed } = this;
    superSeed.handle(event, this.#world.events.nowMs);
    for (let action = superSeed.poll(); action; action = superSeed.poll()) {
      if (action.type === 'refuse') this.#world.send(this.id, action.peer, { type: 'refuse' });
      else {
        const { peer } = action;
        const bytes = this.#world.options.pieceLength;
        this.#uploader.handle({ type: 'credit', peer, swarm: 0, bytes, requesterHeld: superSeed.heldBy(peer) });
      }
    }
  }
}
