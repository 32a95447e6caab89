import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const docFile = path.join(import.meta.dirname, '../../docs/CLIENTS.md');

const begin = '<!-- begin: written by npm run test:clients -->';
const end = '<!-- end -->';

/** The document with its generated part replaced. @throws Error when it has no place for it */
export const withGenerated = (document: string, generated: string): string => {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`the document has no lines ${begin} and ${end}`);
  return `${document.slice(0, from)}${begin}\n\n${generated.trim()}\n\n${document.slice(to)}`;
};

export const writeMatrix = async (generated: string): Promise<void> =>
  writeFile(docFile, withGenerated(await readFile(docFile, 'utf8'), generated));
