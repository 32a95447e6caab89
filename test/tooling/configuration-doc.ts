/** `npm run docs`: writes docs/CONFIGURATION.md from the schemas of the services. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ConfigDefinition, describeConfig } from '@shoal/service';
import { agentConfig } from '../../services/agent/src/config.ts';
import { originConfig } from '../../services/origin/src/config.ts';
import { trackerConfig } from '../../services/tracker/src/config.ts';

export const documentFile = path.join(import.meta.dirname, '../../docs/CONFIGURATION.md');

const introduction = `# Configuration

Generated from the schemas by \`npm run docs\`; a test keeps it current.

A service reads a YAML file (\`--config FILE\`, or the variable \`SHOAL_CONFIG\`) and then the environment, which wins. All
keys are optional. An unknown key, a wrong type, a value out of range and an unreadable file each stop the start with
exit code 2 and a message that names the key, the value and what is allowed; \`--check\` does only that.

Sizes are numbers of bytes or texts such as \`256MiB\`, durations are milliseconds or texts such as \`10s\`. A list in the
environment is separated by commas. A secret can be read from a file: its key with \`File\` at the end.
`;

const section = (title: string, definition: ConfigDefinition): string =>
  `## ${title}\n\n${describeConfig(definition)}\n`;

/** The whole document. */
export const configurationDocument = (): string =>
  [
    introduction,
    section('Origin', originConfig),
    section('Tracker', trackerConfig),
    section('Agent', agentConfig),
  ].join('\n');

if (import.meta.main) writeFileSync(documentFile, configurationDocument());
