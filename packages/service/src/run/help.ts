import type { ConfigDefinition } from '../config/definition.ts';
import { helpConfig } from '../config/describe.ts';

export const describeFlags = (
  service: string,
): string => `usage: ${service} [--config FILE] [--check] [--help] [--version]
  --config FILE  YAML file with the configuration; SHOAL_CONFIG names it as well
  --check        only say whether the configuration is valid
  --help         this text
  --version      the version`;

export const helpText = (definition: ConfigDefinition): string =>
  `${describeFlags(definition.service)}\n\nConfiguration (key in the file, variable in the environment):\n${helpConfig(definition)}`;
