import { bytes, durationMs, integer, section } from '@shoal/service';

/** The keys of `fetches`. */
export const fetchesSection = () =>
  section({
    activeMax: integer({
      default: 1000,
      min: 1,
      max: 100_000,
      description:
        'Blobs that the origin does not have and fetches at once; a request for one more is answered with 503.',
    }),
    stallMs: durationMs({
      default: '30s',
      min: '100ms',
      max: '10m',
      description:
        'How long a source may take for 16 KiB of a blob; then it is asked again for what is missing. After four reads without a MiB the fetch ends.',
    }),
    keptBytesMax: bytes({
      default: 0,
      max: '4096TiB',
      description:
        'Most bytes of blobs kept that were pulled through from other registries; 0 is without limit. For more of them the longest unused ones go. What was pushed does not count.',
    }),
    freeBytesMin: bytes({
      default: '1GiB',
      max: '1024TiB',
      description:
        'Bytes of the file system of `folder` that pulling through leaves free: pulled blobs are evicted for it, and with nothing left to evict a blob is refused with 507.',
    }),
  });
