import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { LineCounter, isMap, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { ConfigError } from './error.ts';

const fileBytesMax = 1024 * 1024;

export interface RawConfig {
  readonly values: Record<string, unknown>;
  /** `agent.yaml:12` of a value, by its path. */
  readonly locate: (path: readonly (string | number)[]) => string | undefined;
}

/** @throws ConfigError when the file can't be read, is no YAML or is no map of keys. */
export const readYamlFile = (service: string, file: string): RawConfig => {
  const lines = new LineCounter();
  const document = parseDocument(readBounded(service, file), {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const at = (offset: number): string => `${basename(file)}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw new ConfigError(
      service,
      document.errors.map((error) => ({
        key: 'config file',
        value: error.message,
        allowed: 'allowed is YAML',
        source: at(error.pos[0]),
      })),
    );
  }
  if (document.contents !== null && !isMap(document.contents)) {
    throw new ConfigError(service, [
      { key: 'config file', value: file, allowed: 'allowed is a YAML file with a map of keys at its top' },
    ]);
  }
  return {
    values: (document.toJS() as Record<string, unknown> | null) ?? {},
    locate: (path) => locate(document, path, at),
  };
};

const locate = (
  document: Document,
  path: readonly (string | number)[],
  at: (offset: number) => string,
): string | undefined => {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return at(node.range[0]);
  }
  return undefined;
};

const readBounded = (service: string, file: string): string => {
  try {
    if (statSync(file).size > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(service, [
      {
        key: 'config file',
        value: file,
        allowed: `allowed is a readable YAML file; this one can't be read: ${(error as Error).message}`,
      },
    ]);
  }
};
