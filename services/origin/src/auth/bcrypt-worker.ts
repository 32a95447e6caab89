import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcryptjs';
import type { Comparison } from './bcrypt-thread.ts';

parentPort?.on('message', ({ id, password, hash }: Comparison) =>
  parentPort?.postMessage({ id, matches: bcrypt.compareSync(password, hash) }),
);
