import { runService } from '@shoal/service';
import { originConfig } from './config.ts';
import { Origin } from './service.ts';

await runService({ config: originConfig, start: (config, context) => Origin.start(config, context) });
