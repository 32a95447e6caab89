import type { BlobCut, GrowingCut } from '@shoal/core';
import type { PieceReader } from '@shoal/transport';
import type { PieceSink } from './reception.ts';

/** A blob to be fetched; store's CachedBlob is one. `have` is what is verified already: only the rest is fetched. */
export interface DownloadBlob extends PieceSink, PieceReader {
  readonly metainfo: BlobCut;
  /** Keeps `fd` open; held while pieces come by way of it. */
  retain?(): Disposable;
  /** Hashes that are unknown so far, which trusted origins tell; they are put into `metainfo`, which this is. */
  readonly growing?: GrowingCut | undefined;
}
