import { durationMs, flag, section } from '@shoal/service';

/** The keys of `gc`. */
export const gcSection = () =>
  section({
    intervalMs: durationMs({
      default: '0s',
      max: '90d',
      description:
        'How often blobs that no manifest reaches are removed without anybody asking; 0s, the default, is never: only `shoal gc` does it.',
    }),
    graceMs: durationMs({
      default: '24h',
      max: '365d',
      description:
        'How long a blob that no manifest reaches stays after it was last pushed, mounted or asked for: a push sends its blobs first and its manifest last.',
    }),
    untagged: flag({
      default: false,
      description:
        'Whether manifests that no tag leads to are removed as well. Pulls by their digest fail then; what signs or describes a manifest that stays, stays.',
    }),
  });
