/**
 * The element of the page with this id.
 * @template {HTMLElement} Kind
 * @param {string} id @param {new () => Kind} kind
 * @returns {Kind}
 */
export const byId = (id, kind) => {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} ${id}`);
};

/**
 * A new element. What comes from the tracker gets into the page as text only, never as HTML.
 * @param {string} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children
 */
export const el = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/**
 * Puts rows into a list and keeps what has the focus; a row is made anew only when its text differs.
 * @param {HTMLElement} list @param {{ key: string, sign: string, make: () => HTMLElement }[]} rows
 */
export const fill = (list, rows) => {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['key'] : undefined;
  const hadFocus = list.contains(document.activeElement);
  /** @type {Map<string, HTMLElement>} */
  const old = new Map();
  for (const child of list.children) if (child instanceof HTMLElement) old.set(child.dataset['key'] ?? '', child);
  const children = rows.map(({ key, sign, make }) => {
    const before = old.get(key);
    if (before?.dataset['sign'] === sign) return before;
    const element = make();
    element.dataset['key'] = key;
    element.dataset['sign'] = sign;
    return element;
  });
  const same = children.length === list.children.length && children.every((child, at) => child === list.children[at]);
  if (same) return;
  list.replaceChildren(...children);
  if (hadFocus) children.find(({ dataset }) => dataset['key'] === focused)?.focus({ preventScroll: true });
};
