/** @import { Nodes } from './model.js' */
/** @typedef {{ x: number, y: number }} Place */
/** @typedef {{ name: string, x: number, y: number, radius: number, nodes: number }} ZoneDisc */

const goldenAngle = Math.PI * (3 - Math.sqrt(5));
/** Slots left free in the middle, where the origins stand. */
const middle = 7;
const gap = 3;

/**
 * Where nodes stand, in units of about the distance between two of them: a zone is a disc, filled from its middle as in a
 * sunflower; several zones stand around the origins. A node keeps its slot while it is there, so that the eye can follow it.
 */
export class Layout {
  /** @type {Map<string, { zone: string, slot: number }>} */
  #slots = new Map();
  /** @type {Map<string, (string | undefined)[]>} */
  #taken = new Map();
  /** @type {Map<string, Place>} */
  places = new Map();
  /** @type {ZoneDisc[]} */
  zones = [];
  radius = 1;

  /**
   * @param {Nodes} nodes
   * @returns {boolean} whether anything moved
   */
  update(nodes) {
    const known = this.#slots.size;
    let changed = false;
    for (const [id, { zone }] of this.#slots) {
      if (nodes.get(id)?.zone === zone) continue;
      this.#free(id, zone);
      changed = true;
    }
    for (const { id, zone } of nodes.values()) if (!this.#slots.has(id)) changed = this.#take(id, zone) || changed;
    const origins = originIds(nodes);
    const moved = changed || known !== this.#slots.size || origins.some((id) => !this.places.has(id));
    if (moved) this.#place(origins);
    return moved;
  }

  /** @param {string} id @param {string} zone */
  #take(id, zone) {
    const taken = this.#taken.get(zone) ?? [];
    this.#taken.set(zone, taken);
    const free = taken.indexOf(undefined);
    const slot = free === -1 ? taken.length : free;
    taken[slot] = id;
    this.#slots.set(id, { zone, slot });
    return true;
  }

  /** @param {string} id @param {string} zone */
  #free(id, zone) {
    const slot = this.#slots.get(id)?.slot ?? 0;
    this.#slots.delete(id);
    const taken = this.#taken.get(zone) ?? [];
    taken[slot] = undefined;
    while (taken.length > 0 && taken.at(-1) === undefined) taken.pop();
    if (taken.length === 0) this.#taken.delete(zone);
  }

  /** @param {string[]} origins */
  #place(origins) {
    const zones = [...this.#taken].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const single = zones.length === 1;
    const first = single ? middle : 0;
    const discs = zones.map(([name, taken]) => ({
      name,
      x: 0,
      y: 0,
      radius: Math.sqrt(taken.length + first) + 1,
      nodes: taken.filter((id) => id !== undefined).length,
    }));
    if (!single) around(discs);
    this.zones = discs;
    this.radius = Math.max(3, ...discs.map(({ x, y, radius }) => Math.hypot(x, y) + radius));
    this.places = new Map();
    for (const [id, { zone, slot }] of this.#slots) {
      const disc = discs[zones.findIndex(([name]) => name === zone)];
      const distance = Math.sqrt(slot + first + 0.5);
      const angle = slot * goldenAngle;
      this.places.set(id, {
        x: (disc?.x ?? 0) + distance * Math.cos(angle),
        y: (disc?.y ?? 0) + distance * Math.sin(angle),
      });
    }
    const distance = origins.length > 1 ? 1.3 : 0;
    for (const [index, id] of origins.entries()) {
      const angle = (2 * Math.PI * index) / origins.length - Math.PI / 2;
      this.places.set(id, { x: distance * Math.cos(angle), y: distance * Math.sin(angle) });
    }
  }
}

/** The origins that nodes name; they do not announce themselves. @param {Nodes} nodes */
export const originIds = (nodes) => {
  /** @type {Set<string>} */
  const ids = new Set();
  for (const { origins } of nodes.values()) for (const id of origins) ids.add(id);
  return [...ids].filter((id) => !nodes.has(id)).toSorted();
};

/** Places discs on a circle, each with the angle that its diameter takes. @param {ZoneDisc[]} discs */
const around = (discs) => {
  const round = discs.reduce((sum, { radius }) => sum + 2 * radius + gap, 0);
  const widest = Math.max(0, ...discs.map(({ radius }) => radius));
  const distance = Math.max(round / (2 * Math.PI), widest + gap, discs.length === 2 ? widest + gap : 0);
  let angle = -Math.PI / 2;
  for (const disc of discs) {
    const half = ((2 * disc.radius + gap) / round) * Math.PI;
    angle += half;
    disc.x = distance * Math.cos(angle);
    disc.y = distance * Math.sin(angle);
    angle += half;
  }
};
