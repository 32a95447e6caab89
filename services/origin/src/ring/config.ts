import { Type } from '@shoal/core';
import { durationMs, list, path, section, url } from '@shoal/service';

/** The keys of `ring`. */
export const ringSection = () =>
  section({
    origins: list(url({ description: 'URL of an origin.' }), {
      default: [],
      max: 64,
      description:
        'Registry URLs of the origins of the cluster, the same list at each of them; its own may be among them. Each blob and each repository of other registries then has one origin that fetches it, from which the others get it.',
    }),
    caFile: Type.Optional(
      path({
        description: 'PEM file with the authorities that the HTTPS certificates of the other origins are signed by.',
      }),
    ),
    checkMs: durationMs({
      default: '2s',
      min: '100ms',
      max: '1m',
      description:
        'How often the other origins are asked whether they live, and how long they may take to answer. One that was silent twice counts as down, and the next one does its work.',
    }),
  });
