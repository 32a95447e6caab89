import type { Command } from './command.ts';
import { install } from './commands/install.ts';
import { uninstall } from './commands/uninstall.ts';

/** Every command, in the order of `shoal --help`. */
export const commands: readonly Command[] = [install, uninstall];
