import { Bitfield, seededPrng } from '@shoal/core';
import { Leech } from '../leech.ts';
import type { LeechAction, LeechEvent, LeechLimits } from '../leech-types.ts';

/** `'##..'`: pieces 0 and 1 of four. */
export const bits = (picture: string): Bitfield => {
  const field = new Bitfield(picture.length);
  for (let piece = 0; piece < picture.length; piece++) if (picture[piece] === '#') field.set(piece);
  return field;
};

/** A leech, a clock that the test moves, and the actions of each step. */
export class Driver {
  readonly leech: Leech;
  nowMs = 0;

  constructor(have: string | number, limits: Partial<LeechLimits> = {}, seed = 1) {
    const field = typeof have === 'number' ? new Bitfield(have) : bits(have);
    this.leech = new Leech({
      pieceCount: field.length,
      pieceLength: 1024,
      size: field.length * 1024,
      have: field,
      prng: seededPrng(seed),
      limits,
    });
  }

  do(event: LeechEvent): LeechAction[] {
    this.leech.handle(event, this.nowMs);
    const actions: LeechAction[] = [];
    for (let action = this.leech.poll(); action; action = this.leech.poll()) actions.push(action);
    return actions;
  }

  agent(peer: number, have: string): LeechAction[] {
    return this.do({ type: 'peerJoined', peer, role: 'agent', have: bits(have) });
  }

  origin(peer: number): LeechAction[] {
    return this.do({ type: 'peerJoined', peer, role: 'origin', have: Bitfield.full(this.leech.have.length) });
  }

  /** Lets time pass to `toMs`, firing the timer whenever it is due. */
  until(toMs: number): LeechAction[] {
    const actions: LeechAction[] = [];
    for (;;) {
      const inMs = this.leech.nextTimeoutMs(this.nowMs);
      if (inMs === undefined || this.nowMs + inMs > toMs) break;
      this.nowMs += inMs;
      actions.push(...this.do({ type: 'timer' }));
    }
    this.nowMs = toMs;
    return actions;
  }
}

/** The actions of one type. */
export const only = <T extends LeechAction['type']>(
  actions: readonly LeechAction[],
  type: T,
): Extract<LeechAction, { type: T }>[] =>
  actions.filter((action): action is Extract<LeechAction, { type: T }> => action.type === type);
