/**
 * One key, one action; not while somebody types, nor with Ctrl, Alt or Meta.
 * @param {Record<string, () => void>} actions by `KeyboardEvent.key`
 */
export const startKeys = (actions) => {
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    // A button takes the space itself.
    if (key === ' ' && target instanceof HTMLButtonElement) return;
    const isArrow = key.startsWith('Arrow');
    if (isArrow && !(target instanceof HTMLCanvasElement)) return;
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
};
