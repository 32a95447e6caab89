import manifest from '../package.json' with { type: 'json' };

/** Version of this installation; all parts of Shoal share one. */
export const version: string = manifest.version;
