/** `npm run test:clients`: the container clients of this machine against Shoal, with faults. */
import { parseArgs } from 'node:util';
import { runMatrix, type Selection } from './matrix.ts';
import { describeOutcome } from './report.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, lanes: { type: 'string', default: '2' } } });
const only = Object.fromEntries(
  (values.only ?? '')
    .split(',')
    .filter(Boolean)
    .map((part) => part.split('=')),
);
const selection: Selection = {
  lanes: Number(values.lanes),
  ...Object.fromEntries(Object.entries(only).map(([key, value]) => [key, String(value).split('|')])),
};
const matrix = await runMatrix(selection, ({ client, way, fault, outcome }) => {
  console.log(`${client.padEnd(32)} ${way.padEnd(15)} ${fault.padEnd(20)} ${describeOutcome(outcome)}`);
});
for (const { name, missing } of matrix.clients) if (missing) console.log(`${name}: not run: ${missing}`);
