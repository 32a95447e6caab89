/** A service for the tests of runService: it listens on its admin port and misbehaves when told to. */
import {
  AdminServer,
  baseSections,
  choice,
  createMetrics,
  defineConfig,
  defineMetrics,
  runService,
  section,
} from '../src/index.ts';

const config = defineConfig({
  service: 'small',
  schema: section({
    ...baseSections({ admin: 0, debug: 0 }),
    behaviour: choice(['good', 'throws', 'rejects', 'failsToStart', 'hangsOnStop', 'failsToStop', 'slowToStart'], {
      default: 'good',
      description: 'What goes wrong.',
    }),
  }),
});

await runService({
  config,
  start: async ({ admin: listen, behaviour }, { signal }) => {
    if (behaviour === 'failsToStart') throw new Error('it does not want to');
    if (behaviour === 'slowToStart') {
      process.send?.({ type: 'starting' });
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    }
    const admin = await AdminServer.listen({
      service: 'small',
      listen,
      metrics: createMetrics(defineMetrics('small', {})),
    });
    admin.started();
    if (behaviour === 'throws')
      setImmediate(() => {
        throw new Error('out of the blue');
      });
    if (behaviour === 'rejects') void Promise.reject(new Error('nobody caught it'));
    return {
      addresses: { admin: admin.address },
      stop: async () => {
        if (behaviour === 'hangsOnStop') await new Promise(() => {});
        if (behaviour === 'failsToStop') throw new Error('the disk is gone');
        await admin.close();
      },
    };
  },
});
