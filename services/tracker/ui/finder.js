import { byId, el } from './dom.js';
import { plural, shortDigest } from './format.js';
import { search } from './live.js';

const waitMs = 150;

/**
 * The search field: swarms and nodes as one types; Enter takes the first, Esc closes.
 * @param {(swarm: string, node?: string) => void} choose
 */
export const startFinder = (choose) => {
  const query = byId('query', HTMLInputElement);
  const found = byId('found', HTMLElement);
  let asked = new AbortController();
  let timer = 0;
  const close = () => {
    found.hidden = true;
    asked.abort();
    clearTimeout(timer);
  };
  const option = (/** @type {string} */ text, /** @type {string} */ small, /** @type {() => void} */ take) => {
    const button = el('button', { type: 'button', class: 'row' }, el('code', {}, text), el('small', {}, small));
    button.addEventListener('click', () => {
      close();
      take();
    });
    return button;
  };
  const ask = async () => {
    asked.abort();
    asked = new AbortController();
    if (query.value.trim() === '') return close();
    const { swarms, nodes } = await search(query.value, asked.signal);
    const rows = swarms.map(({ swarm, digest, nodes: count }) =>
      option(shortDigest(digest), plural(count, 'node'), () => choose(swarm)),
    );
    const nodeRows = nodes.flatMap((node) => {
      const [first] = node.swarms;
      const small = [node.zone, plural(node.swarms.length, 'swarm')].filter(Boolean).join(', ');
      return first ? [option(node.address || node.id, small, () => choose(first.swarm, node.id))] : [];
    });
    found.replaceChildren(
      ...(rows.length > 0 ? [el('h2', {}, 'Swarms'), ...rows] : []),
      ...(nodeRows.length > 0 ? [el('h2', {}, 'Nodes'), ...nodeRows] : []),
      ...(rows.length + nodeRows.length === 0 ? [el('p', {}, 'Nothing is found.')] : []),
    );
    found.hidden = false;
    return undefined;
  };
  // A search that was given up for the next one is no failure.
  const run = () => ask().catch(() => undefined);
  query.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(run, waitMs);
  });
  byId('search', HTMLFormElement).addEventListener('submit', async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    await run();
    found.querySelector('button')?.click();
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !byId('search', HTMLElement).contains(target)) close();
  });
  query.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    close();
    query.blur();
  });
  return () => query.focus();
};
