import { runService } from '@shoal/service';
import { trackerConfig } from './config.ts';
import { Tracker } from './service.ts';

await runService({ config: trackerConfig, start: (config, context) => Tracker.start(config, context) });
