/** @import { Found, Overview, RecordingRow, RecordingView, SwarmFrame } from '../src/ui/views.ts' */

/**
 * @template Answer
 * @param {string} path @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
const get = async (path, signal) => {
  const answer = await fetch(`/ui/api/${path}`, { signal: signal ?? AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return /** @type {Answer} */ (await answer.json());
};

/** @returns {Promise<RecordingRow[]>} */
export const getRecordings = () => get('recordings');

/** @param {string} id @returns {Promise<RecordingView>} */
export const getRecording = (id) => get(`recordings/${encodeURIComponent(id)}`);

/** @param {string} text @param {AbortSignal} signal @returns {Promise<Found>} */
export const search = (text, signal) => get(`search?q=${encodeURIComponent(text)}`, signal);

/** What the tracker tells as it happens; the browser connects again by itself. */
export class Live {
  /** @type {EventSource | undefined} */
  #source;
  #on;
  swarm = '';

  /** @param {{ overview: (overview: Overview) => void, frame: (frame: SwarmFrame) => void, connected: (is: boolean) => void }} on */
  constructor(on) {
    this.#on = on;
  }

  /** Frames are those of this swarm from now on; the first one is whole. @param {string} swarm empty: none */
  watch(swarm) {
    this.#source?.close();
    this.swarm = swarm;
    const source = new EventSource(`/ui/api/events${swarm === '' ? '' : `?swarm=${swarm}`}`);
    this.#source = source;
    source.addEventListener('open', () => this.#on.connected(true));
    source.addEventListener('error', () => this.#on.connected(false));
    source.addEventListener('overview', ({ data }) =>
      this.#on.overview(/** @type {Overview} */ (JSON.parse(String(data)))),
    );
    source.addEventListener('frame', ({ data }) =>
      this.#on.frame(/** @type {SwarmFrame} */ (JSON.parse(String(data)))),
    );
  }
}
