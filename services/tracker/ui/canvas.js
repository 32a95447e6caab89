/** A canvas that has as many pixels as the screen shows, and is painted at most once a frame. */
export class Painting {
  /** In pixels of the page, and how many of the screen one of them is. */
  size = { width: 0, height: 0, ratio: 1 };
  context;
  #paint;
  #scheduled = false;

  /** @param {HTMLCanvasElement} canvas @param {() => void} paint @param {() => void} [resized] paints, unless it is given */
  constructor(canvas, paint, resized = () => this.soon()) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser draws no canvas');
    this.context = context;
    this.#paint = () => {
      this.#scheduled = false;
      paint();
    };
    new ResizeObserver(() => {
      this.#fit(canvas);
      resized();
    }).observe(canvas);
  }

  /** Paints in the next frame. */
  soon() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(this.#paint);
  }

  /** Empties the canvas and makes its unit a pixel of the page. */
  clear() {
    const { context, size } = this;
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
  }

  /** @param {HTMLCanvasElement} canvas */
  #fit(canvas) {
    const { size } = this;
    size.ratio = Math.min(2, globalThis.devicePixelRatio);
    size.width = canvas.clientWidth;
    size.height = canvas.clientHeight;
    canvas.width = Math.max(1, Math.round(size.width * size.ratio));
    canvas.height = Math.max(1, Math.round(size.height * size.ratio));
  }
}
