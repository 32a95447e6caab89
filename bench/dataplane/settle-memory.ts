import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MiB } from '@shoal/core';

const execute = promisify(execFile);

/**
 * Brings the machine into the same state before everything that writes much. Dirty pages go to the disk: while many
 * are being written back, a write into the page cache costs ten times as much CPU. And as much memory as the page cache
 * will take is touched: a virtual machine returns what it does not use to its host, which is slow to give it back.
 */
export const settleMemory = async (bytes: number): Promise<void> => {
  await execute('sync');
  await execute(process.execPath, ['-e', `Buffer.alloc(${Math.ceil(bytes * 1.2) + 64 * MiB}, 1)`]);
};
