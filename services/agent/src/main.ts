import { setFlagsFromString } from 'node:v8';

/** How V8 runs code that runs once, and code that serves: a node is idle most of the time and ought to be small then. */
const flags = {
  // The young generation would grow to its largest and an idle node keep that: 11 MB. The optimizing compilers, whose own
  // code and memory are 12 MB, would work on what never runs again; and undici's parser be optimized after twenty answers,
  // which is another 6 MB: now after some thousand, which takes an idle node hours and one at work seconds.
  loading: ['--semi-space-growth-factor=1', '--no-opt', '--no-maglev', '--wasm-tiering-budget=2000000000'],
  // Before there are data threads, which take over what is set.
  starting: ['--opt', '--maglev'],
  // Under load a larger young generation costs less: an eighth of the CPU time of a manifest.
  started: ['--semi-space-growth-factor=2'],
} as const;

const setFlags = (phase: keyof typeof flags): void => flags[phase].forEach((flag) => setFlagsFromString(flag));

setFlags('loading');
const { runService } = await import('@shoal/service');
const { agentConfig } = await import('./config.ts');
const { Agent } = await import('./service.ts');

await runService({
  config: agentConfig,
  start: async (config, context) => {
    setFlags('starting');
    const agent = await Agent.start(config, context);
    setFlags('started');
    return agent;
  },
});
