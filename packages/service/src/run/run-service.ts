import type { Address, Static, TObject } from '@shoal/core';
import { ShoalError } from '@shoal/core';
import type { ConfigDefinition } from '../config/definition.ts';
import { ConfigError } from '../config/error.ts';
import { loadConfig } from '../config/load.ts';
import type { BaseConfig } from '../config/sections.ts';
import type { Log } from '../log.ts';
import { createLogger } from '../log.ts';
import { version } from '../version.ts';
import { UsageError, parseCommandLine } from './command-line.ts';
import { helpText } from './help.ts';
import { announceReady } from './ready.ts';
import { startTracing } from '../tracing/start-tracing.ts';
import { stopSignals } from './signals.ts';

/** What `start` gives back: Origin, Tracker and Agent are such. */
export interface RunningService {
  /** Where it listens, by section of the configuration: `registry`, `pieces`, `admin`, ... */
  readonly addresses: Readonly<Record<string, Address>>;
  /** Finishes what is under way and lets go of everything. */
  stop(): Promise<void>;
}

export interface StartContext {
  /** Aborted when a signal asks to stop while the start still runs. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface RunOptions<Schema extends TObject> {
  readonly config: ConfigDefinition<Schema>;
  readonly start: (config: Static<Schema>, context: StartContext) => Promise<RunningService>;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** 0 after a graceful stop, 1 for a failure while running, 2 for a configuration or command line that is not valid. */
export type ExitCode = 0 | 1 | 2;

/**
 * The whole life of a service process: command line, configuration, start, signals, stop. It ends the process.
 * SIGTERM and SIGINT stop gracefully within `stop.timeoutMs`; a second one ends at once.
 */
export const runService = async <Schema extends TObject>(options: RunOptions<Schema>): Promise<never> => {
  const { config: definition, argv = process.argv.slice(2), env = process.env } = options;
  try {
    const { action, file } = parseCommandLine(definition, argv, env);
    if (action === 'help') return print(helpText(definition));
    if (action === 'version') return print(version);
    const config = loadConfig(definition, { file, env });
    if (action === 'check') return print(`the configuration of the ${definition.service} is valid`);
    process.exit(await runUntilStopped(options, config, env));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
};

const print = (text: string): never => {
  process.stdout.write(`${text}\n`);
  process.exit(0);
};

const runUntilStopped = async <Schema extends TObject>(
  { config: definition, start }: RunOptions<Schema>,
  config: Static<Schema>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> => {
  const {
    log: { level },
    stop: { timeoutMs },
  } = config as BaseConfig;
  const log = createLogger({ service: definition.service, level });
  const signals = stopSignals(log, timeoutMs);
  process.on('uncaughtException', (error) => fail(log, error, 'unexpected failure, the process ends'));
  process.on('unhandledRejection', (reason) => fail(log, reason, 'unexpected failure, the process ends'));
  let service: RunningService;
  const tracing = await startTracing(definition.service, env, log);
  try {
    service = await start(config, { signal: signals.signal, log });
  } catch (error) {
    if (signals.signal.aborted) return 0;
    if (error instanceof ConfigError) throw error;
    return fail(log, error, 'start failed');
  }
  if (!signals.signal.aborted) {
    log.info({ version, addresses: service.addresses }, 'ready');
    announceReady(service.addresses, env);
  }
  await signals.stopped;
  try {
    await service.stop();
    await tracing?.stop();
  } catch (error) {
    return fail(log, error, 'stop failed');
  }
  log.info({}, 'stopped');
  return 0;
};

/** Failures that we name ourselves need no stack; any other does. */
const fail = (log: Log, error: unknown, event: string): never => {
  if (error instanceof ShoalError) log.fatal({ code: error.code, reason: error.message }, event);
  else log.fatal({ err: error }, event);
  process.exit(1);
};
