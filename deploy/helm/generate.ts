/**
 * `node deploy/helm/generate.ts`: writes what follows from the chart and the services' schemas: values.schema.json and the
 * chart's README; and, where helm is in PATH, the manifests in deploy/kubernetes and test/deploy/rendered.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chart, generated } from './generated.ts';
import { hasHelm, renderings, writeRendering } from './render.ts';

for (const [file, text] of generated()) writeFileSync(path.join(chart, file), text);
if (hasHelm()) for (const rendering of renderings) writeRendering(rendering);
else process.stdout.write('helm is not in PATH: the manifests were not rendered again\n');
