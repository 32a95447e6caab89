import type { Command } from './command.ts';
import { blob } from './commands/blob.ts';
import { cache } from './commands/cache.ts';
import { completionOf } from './commands/completion.ts';
import { doctor } from './commands/doctor.ts';
import { gc } from './commands/gc.ts';
import { install } from './commands/install.ts';
import { preheat } from './commands/preheat.ts';
import { pull } from './commands/pull.ts';
import { rm } from './commands/rm.ts';
import { status } from './commands/status.ts';
import { top } from './commands/top.ts';
import { uninstall } from './commands/uninstall.ts';

const others: readonly Command[] = [status, top, doctor, pull, preheat, rm, gc, cache, blob, install, uninstall];

/** Every command, in the order of `shoal --help`. */
export const commands: readonly Command[] = [...others, completionOf(others)];
