import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A file of the page, as it is sent. */
export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const folder = path.join(import.meta.dirname, '../../ui');

/** The files of the page by name. Only these are served: a request never becomes a path. */
export const loadAssets = (): ReadonlyMap<string, Asset> => {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const contentType = contentTypes[path.extname(name)];
    if (contentType) assets.set(name, { contentType, body: readFileSync(path.join(folder, name)) });
  }
  return assets;
};
