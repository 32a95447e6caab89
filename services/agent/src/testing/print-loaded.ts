/** An agent in `process.argv[2]` that starts, prints the modules that its process has then, as JSON, and stops. */
import { createRequire } from 'node:module';
import { loadConfig } from '@shoal/service';
import { agentConfig } from '../config.ts';
import { Agent } from '../service.ts';

const anyPort = { host: '127.0.0.1', port: 0 };
const nobody = ['http://127.0.0.1:9'];
const values = {
  registry: anyPort,
  pieces: anyPort,
  admin: anyPort,
  debug: anyPort,
  origins: nobody,
  trackers: nobody,
};
const config = loadConfig(agentConfig, { values: { ...values, cache: { folder: process.argv[2] } }, env: {} });
{
  await using _agent = await Agent.start(config);
  const files = Object.keys(createRequire(import.meta.url).cache);
  const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
  process.stdout.write(JSON.stringify([...moduleLoadList, ...files]));
}
