/** @import { RecordingView } from '../src/ui/views.ts' */
import { byId } from './dom.js';
import { duration } from './format.js';
import { Player } from './replay.js';

const steps = 1000;

/** The bar below the graph while a recording is shown. */
export class ReplayBar {
  /** @type {Player | undefined} */
  #player;
  #playing = false;
  #atMs = 0;
  #frameMs = 0;
  #changed;
  #bar = byId('player', HTMLElement);
  #play = byId('play', HTMLButtonElement);
  #seek = byId('seek', HTMLInputElement);
  #moment = byId('moment', HTMLOutputElement);
  #speed = byId('speed', HTMLSelectElement);

  /** @param {(player: Player, atMs: number) => void} changed @param {() => void} live */
  constructor(changed, live) {
    this.#changed = changed;
    this.#play.addEventListener('click', () => this.toggle());
    byId('live', HTMLButtonElement).addEventListener('click', live);
    this.#seek.addEventListener('input', () => {
      const player = this.#player;
      if (player) this.#show(player.startMs + (Number(this.#seek.value) / steps) * (player.endMs - player.startMs));
    });
  }

  get open() {
    return this.#player !== undefined;
  }

  /** @param {RecordingView} recording */
  start({ shown }) {
    this.#player = new Player(shown);
    this.#bar.hidden = false;
    this.#playing = false;
    this.#show(this.#player.startMs);
    this.toggle();
  }

  stop() {
    this.#player = undefined;
    this.#playing = false;
    this.#bar.hidden = true;
  }

  toggle() {
    if (!this.#player) return;
    if (!this.#playing && this.#atMs >= this.#player.endMs) this.#atMs = this.#player.startMs;
    this.#playing = !this.#playing;
    this.#play.textContent = this.#playing ? 'Pause' : 'Play';
    this.#frameMs = performance.now();
    if (this.#playing) requestAnimationFrame((nowMs) => this.#step(nowMs));
  }

  /** @param {number} nowMs */
  #step(nowMs) {
    const player = this.#player;
    if (!player || !this.#playing) return;
    const passedMs = Math.max(0, nowMs - this.#frameMs) * Number(this.#speed.value);
    this.#frameMs = nowMs;
    this.#show(Math.min(player.endMs, this.#atMs + passedMs));
    if (this.#atMs >= player.endMs) this.toggle();
    else requestAnimationFrame((nextMs) => this.#step(nextMs));
  }

  /** @param {number} atMs */
  #show(atMs) {
    const player = this.#player;
    if (!player) return;
    const [first, before] = [player.startMs, player.nodes];
    this.#atMs = atMs;
    const changed = player.seek(atMs) || player.nodes !== before || atMs === first;
    const wholeMs = player.endMs - first;
    this.#moment.value = `${duration(atMs - first)} of ${duration(wholeMs)}`;
    this.#seek.value = String(wholeMs === 0 ? steps : Math.round(((atMs - first) / wholeMs) * steps));
    if (changed) this.#changed(player, atMs);
  }
}
