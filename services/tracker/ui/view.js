/** @typedef {{ x: number, y: number, scale: number }} Transform */

const zoomMax = 12;
/** A press that moves by less is a click. */
const clickPixels = 4;
/** The largest a node gets when a swarm is small, in pixels from one to the next. */
const scaleMax = 44;
const margin = 44;

/** Which part of the graph is shown: wheel and keys zoom, dragging moves. */
export class View {
  #zoom = 1;
  #x = 0;
  #y = 0;
  #changed;

  /**
   * @param {HTMLCanvasElement} canvas @param {() => void} changed
   * @param {{ hover: (x: number, y: number) => void, click: (x: number, y: number) => void }} events
   */
  constructor(canvas, changed, events) {
    this.#changed = changed;
    /** @type {{ x: number, y: number, moved: boolean } | undefined} */
    let press;
    canvas.addEventListener('pointerdown', ({ offsetX: x, offsetY: y, pointerId }) => {
      press = { x, y, moved: false };
      canvas.setPointerCapture(pointerId);
    });
    canvas.addEventListener('pointermove', ({ offsetX: x, offsetY: y }) => {
      if (!press) return events.hover(x, y);
      if (!press.moved && Math.hypot(x - press.x, y - press.y) < clickPixels) return undefined;
      this.#x += x - press.x;
      this.#y += y - press.y;
      press = { x, y, moved: true };
      return changed();
    });
    canvas.addEventListener('pointerup', ({ offsetX: x, offsetY: y }) => {
      if (press && !press.moved) events.click(x, y);
      press = undefined;
    });
    canvas.addEventListener('pointercancel', () => (press = undefined));
    canvas.addEventListener('pointerleave', () => events.hover(-1e6, -1e6));
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        const { clientWidth, clientHeight } = canvas;
        this.#zoomAt(Math.exp(-event.deltaY / 400), event.offsetX - clientWidth / 2, event.offsetY - clientHeight / 2);
      },
      { passive: false },
    );
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#zoomAt(factor, 0, 0);
  }

  reset() {
    [this.#zoom, this.#x, this.#y] = [1, 0, 0];
    this.#changed();
  }

  /**
   * From units of the layout to pixels.
   * @param {{ width: number, height: number }} size @param {number} radius of the whole graph
   * @returns {Transform}
   */
  transform({ width, height }, radius) {
    const room = Math.max(20, Math.min(width, height) / 2 - margin);
    const scale = Math.min(scaleMax, room / radius) * this.#zoom;
    return { x: width / 2 + this.#x, y: height / 2 + this.#y - 12, scale };
  }

  /** @param {number} factor @param {number} x @param {number} y what stays where it is, from the middle */
  #zoomAt(factor, x, y) {
    const zoom = Math.min(zoomMax, Math.max(1, this.#zoom * factor));
    const by = zoom / this.#zoom;
    this.#x = zoom === 1 ? 0 : x - (x - this.#x) * by;
    this.#y = zoom === 1 ? 0 : y - (y - this.#y) * by;
    this.#zoom = zoom;
    this.#changed();
  }
}
