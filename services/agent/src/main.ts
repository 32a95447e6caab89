import { setFlagsFromString } from 'node:v8';

// Loading the code would grow V8's young generation to its largest, and an idle node would keep that: 11 MB.
setFlagsFromString('--semi-space-growth-factor=1');
const { runService } = await import('@shoal/service');
const { agentConfig } = await import('./config.ts');
const { Agent } = await import('./service.ts');

await runService({
  config: agentConfig,
  start: async (config, context) => {
    const agent = await Agent.start(config, context);
    // Under load a larger one costs less: an eighth of the CPU time of a manifest.
    setFlagsFromString('--semi-space-growth-factor=2');
    return agent;
  },
});
