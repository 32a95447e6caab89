/** The state of a route, in the low bits of its word; above it is the turn of the slot. */
const [idle, busy, closed] = [0, 1, 2];
const stateBits = 2;
const turnMax = 2 ** (31 - stateBits) - 1;
/** Far longer than a write takes; a thread that died in the middle of one must not hold up the other for ever. */
const waitMs = 5000;

/** Names a route in both threads. A slot is used again in another turn, so that an old name opens nothing. */
export interface RouteKey {
  readonly slot: number;
  readonly turn: number;
}

const word = ({ turn }: RouteKey, state: number): number => (turn << stateBits) | state;

/** Routes that one thread opens and closes, and that another writes by: one word of shared memory each. */
export class RouteLocks {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #free: number[];
  readonly #turns: Int32Array;

  constructor(slots: number) {
    this.words = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
    this.#free = Array.from({ length: slots }, (_, index) => slots - 1 - index);
    this.#turns = new Int32Array(slots);
  }

  /** Undefined when all slots are in use. */
  open(): RouteKey | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const turn = ((this.#turns[slot] ?? 0) % turnMax) + 1;
    this.#turns[slot] = turn;
    Atomics.store(this.words, slot, word({ slot, turn }, idle));
    return { slot, turn };
  }

  /** Waits for a write that is under way; none begins afterwards. */
  close(key: RouteKey): void {
    while (Atomics.compareExchange(this.words, key.slot, word(key, idle), word(key, closed)) === word(key, busy)) {
      if (Atomics.wait(this.words, key.slot, word(key, busy), waitMs) === 'timed-out') break;
    }
    this.#free.push(key.slot);
  }
}

/** Runs `write` unless the route is closed, and false then. @throws what `write` throws */
export const whileOpen = (words: Int32Array<SharedArrayBuffer>, key: RouteKey, write: () => void): boolean => {
  if (Atomics.compareExchange(words, key.slot, word(key, idle), word(key, busy)) !== word(key, idle)) return false;
  try {
    write();
  } finally {
    Atomics.store(words, key.slot, word(key, idle));
    Atomics.notify(words, key.slot);
  }
  return true;
};

export const isOpen = (words: Int32Array<SharedArrayBuffer>, key: RouteKey): boolean =>
  Atomics.load(words, key.slot) === word(key, idle);
