import type { LandedEvent, ThreadEvent } from './messages.ts';

/** So many pieces that are there wait for each other at most: each batch wakes the other thread once. */
const piecesMax = 3;

/** Sends the events of a thread in batches. */
export class Outbox {
  readonly #post: (events: readonly ThreadEvent[]) => void;
  #events: ThreadEvent[] = [];
  #later: NodeJS.Immediate | undefined;
  #flushQueued = false;
  #pieces = 0;

  constructor(post: (events: readonly ThreadEvent[]) => void) {
    this.#post = post;
  }

  /** Goes out with whatever this receive callback brings besides. */
  push(event: ThreadEvent): void {
    this.#events.push(event);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    process.nextTick(() => this.#flush());
  }

  /** Waits for more of its kind until the end of the turn. */
  landed(event: LandedEvent): void {
    const last = this.#events.at(-1);
    if (last?.type === 'landed' && follows(event, last))
      this.#events[this.#events.length - 1] = { ...event, header: joined(last, event) };
    else this.#events.push(event);
    if (event.digest) this.#pieces++;
    if (this.#pieces >= piecesMax) this.#flushSoon();
    else this.#later ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#later);
    this.#later = undefined;
    this.#flushQueued = false;
    this.#pieces = 0;
    const events = this.#events;
    this.#events = [];
    if (events.length > 0) this.#post(events);
  }
}

const follows = (event: LandedEvent, { id, key, header }: LandedEvent): boolean =>
  id === event.id &&
  key.slot === event.key.slot &&
  key.turn === event.key.turn &&
  header.offset + header.length === event.header.offset;

const joined = ({ header }: LandedEvent, event: LandedEvent): LandedEvent['header'] => ({
  ...header,
  length: header.length + event.header.length,
});
