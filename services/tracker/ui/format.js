const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @param {number} count `1.5 MiB` */
export const bytes = (count) => {
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
};

/** @param {number} perSecond */
export const rate = (perSecond) => `${bytes(perSecond)}/s`;

/** @param {number} share 0 to 1; only what is whole is 100 % */
export const percent = (share) => `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))} %`;

/** @param {number} ms `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min` */
export const duration = (ms) => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};

/** @param {string} digest `sha256:0123456789ab` */
export const shortDigest = (digest) => {
  const colon = digest.indexOf(':');
  return digest === '' ? 'unknown digest' : digest.slice(0, colon + 13);
};

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
