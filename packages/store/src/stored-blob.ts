import type { Digest, SignedMetainfo } from '@shoal/core';

/** A blob opened for reading. It stays readable until closed, also after the blob has been deleted. */
export interface StoredBlob extends Disposable {
  readonly digest: Digest;
  readonly size: number;
  readonly metainfo: SignedMetainfo;
  /** The file descriptor, shared with others who have the blob open; only for positioned reads. A push may change it. */
  readonly fd: number;

  /** pread: fills `buffer` from byte `position` of the blob, answers the number of bytes read (less only at the end). */
  readInto(buffer: Uint8Array, position: number): number;

  /** Idempotent; the descriptor closes with its last user. */
  close(): void;
}
