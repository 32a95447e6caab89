const names = [
  'downloading',
  'empty',
  'complete',
  'still',
  'origin',
  'edge',
  'abroad',
  'disc',
  'text',
  'soft',
  'line',
  'panel',
  'page',
  'focus',
  'heat-none',
  'heat-low',
  'heat-high',
];
const themes = ['system', 'light', 'dark'];
const key = 'shoal-theme';

/** The colours of the style sheet, for canvases. @type {Record<string, string>} */
export const colours = {};

const read = () => {
  const style = getComputedStyle(document.documentElement);
  for (const name of names) colours[name] = style.getPropertyValue(`--${name}`).trim();
};

/** `#rrggbb` as numbers. @param {string} hex @returns {[number, number, number]} */
export const rgb = (hex) => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

/** @param {string} from @param {string} to @param {number} share 0 to 1 @returns {[number, number, number]} */
export const mix = (from, to, share) => {
  const [a, b] = [rgb(from), rgb(to)];
  const at = (/** @type {0 | 1 | 2} */ index) => Math.round(a[index] + (b[index] - a[index]) * share);
  return [at(0), at(1), at(2)];
};

/**
 * Light, dark or as the system says; kept by the browser.
 * @param {HTMLButtonElement} button @param {() => void} changed
 */
export const startTheme = (button, changed) => {
  let theme = localStorage.getItem(key) ?? 'system';
  const apply = () => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    button.textContent = `Theme: ${theme}`;
    read();
    changed();
  };
  const next = () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
    localStorage.setItem(key, theme);
    apply();
  };
  button.addEventListener('click', next);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  apply();
  return next;
};
