/** Part of `npm run docs`: writes docs/openapi/*.json, what the processes serve at /openapi.json. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { agentApi } from '../../services/agent/src/openapi.ts';
import { originApi } from '../../services/origin/src/openapi.ts';
import { trackerApi } from '../../services/tracker/src/openapi.ts';

export const openApiFolder = path.join(import.meta.dirname, '../../docs/openapi');

/** By service, as text. */
export const openApiDocuments = (): Readonly<Record<'agent' | 'origin' | 'tracker', string>> => ({
  agent: text(agentApi()),
  origin: text(originApi()),
  tracker: text(trackerApi()),
});

const text = (document: object): string => `${JSON.stringify(document, undefined, 2)}\n`;

if (import.meta.main) {
  mkdirSync(openApiFolder, { recursive: true });
  for (const [service, document] of Object.entries(openApiDocuments()))
    writeFileSync(path.join(openApiFolder, `${service}.json`), document);
}
