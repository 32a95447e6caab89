import { runService } from '@shoal/service';
import { agentConfig } from './config.ts';
import { Agent } from './service.ts';

await runService({ config: agentConfig, start: (config, context) => Agent.start(config, context) });
