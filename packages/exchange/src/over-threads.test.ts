/** The suites of the exchange that move pieces once more, with threads that receive them. */
import { suite } from 'node:test';
import { useDataThreads } from './testing/data-threads.ts';

useDataThreads(2);

for (const name of ['cache', 'close', 'download', 'growing', 'protocol', 'sharing', 'swarm', 'unreachable'])
  suite(`with data threads: ${name}`, () => import(`./${name}.test.ts`));
