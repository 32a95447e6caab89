import {
  type Digest,
  digestAlgorithm,
  type GrowingCut,
  growingCut,
  type Metainfo,
  OciError,
  type PieceIndex,
  type PieceLengthPolicy,
  pieceLengthFor,
  type SignedMetainfo,
} from '@shoal/core';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { fromDiskError } from './errors.ts';
import { readFully } from './open-blobs.ts';
import { hashContent } from './stored-metainfo.ts';
import { TreeHasher } from './tree-hasher.ts';

export interface GrowingBlobOptions {
  readonly digest: Digest;
  /** Bytes; without it nothing is known of its pieces before the end. */
  readonly size: number | undefined;
  readonly policy: PieceLengthPolicy;
  readonly file: string;
  /** Moves the file of verified bytes to its place among the blobs, durably. */
  readonly place: (metainfo: Metainfo) => Promise<SignedMetainfo>;
}

/**
 * A blob whose bytes arrive in order and can be read before its digest is known to be right. The hash of a piece is known
 * with its last byte, that of the last piece only from `commit`. It lies in the folder of temporary files: after a crash
 * nothing is left of it.
 */
export class GrowingBlob {
  readonly digest: Digest;
  /** Undefined without a size. */
  readonly cut: GrowingCut | undefined;
  readonly #options: GrowingBlobOptions;
  readonly #handle: FileHandle;
  readonly #hasher = new TreeHasher();
  #received = 0;
  #known = 0;
  #users = 1;

  private constructor(options: GrowingBlobOptions, handle: FileHandle) {
    const { digest, size, policy } = options;
    this.digest = digest;
    this.cut = size === undefined ? undefined : growingCut(digest, size, pieceLengthFor(size, policy));
    this.#options = options;
    this.#handle = handle;
  }

  static async create(options: GrowingBlobOptions): Promise<GrowingBlob> {
    try {
      return new GrowingBlob(options, await open(options.file, 'wx+'));
    } catch (error) {
      throw fromDiskError(error, `receiving ${options.digest}`);
    }
  }

  /** Bytes that can be read. */
  get received(): number {
    return this.#received;
  }

  /**
   * The next bytes; may be reused once it resolves. Answers the pieces that are complete with them, the last one never.
   * @throws OciError SIZE_INVALID for more than the size; StoreFullError
   */
  async append(bytes: Uint8Array): Promise<PieceIndex[]> {
    const { size = Infinity, digest } = this.#options;
    if (this.#received + bytes.length > size)
      throw new OciError('SIZE_INVALID', `size: ${digest} has more than the ${size} bytes that were announced`);
    this.#hasher.update(bytes);
    try {
      for (let done = 0; done < bytes.length;)
        done += (await this.#handle.write(bytes, done, bytes.length - done, this.#received + done)).bytesWritten;
    } catch (error) {
      throw fromDiskError(error, `receiving ${digest}`);
    }
    this.#received += bytes.length;
    return this.#completed();
  }

  /** The file descriptor, for positioned reads of what was received; valid while the blob is retained. */
  get fd(): number {
    return this.#handle.fd;
  }

  /** pread of what was received; answers the bytes read. Not verified before `commit`. */
  readInto(buffer: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(buffer.length, this.#received - position));
    return length === 0 ? 0 : readFully(this.#handle.fd, buffer.subarray(0, length), position);
  }

  /**
   * Verifies the digest and makes it a blob of the store; every piece hash is known then. It stays readable.
   * @throws OciError DIGEST_INVALID, SIZE_INVALID; StoreFullError. The blob is to be discarded then.
   */
  async commit(): Promise<SignedMetainfo> {
    const { digest, size, place } = this.#options;
    if (size !== undefined && this.#received !== size)
      throw new OciError('SIZE_INVALID', `size: ${digest} has ${this.#received} bytes, not the ${size} announced`);
    const metainfo = await this.#verified();
    if (!metainfo)
      throw new OciError(
        'DIGEST_INVALID',
        `digest: the ${this.#received} bytes received have not the digest ${digest}`,
      );
    const signed = await place(metainfo).catch((error: unknown) => {
      throw fromDiskError(error, `committing ${digest}`);
    });
    const { cut } = this;
    if (cut) for (const [piece, hash] of metainfo.pieceHashes.entries()) cut.pieceHashes[piece] = hash;
    return signed;
  }

  /** Takes the file's name away, unless it was committed. Who has it open reads on. */
  discard(): Promise<void> {
    return rm(this.#options.file, { force: true });
  }

  /** Keeps the file open until disposed, beyond its creator's own hold. */
  retain(): Disposable {
    this.#users++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.close();
        held = false;
      },
    };
  }

  /** The creator's hold ends; the file closes with the last one. */
  close(): void {
    if (--this.#users === 0) void this.#handle.close();
  }

  /** The pieces that are whole since the last call; their hashes are in the cut now. */
  #completed(): PieceIndex[] {
    const { cut } = this;
    if (!cut) return [];
    const pieces: PieceIndex[] = [];
    while (this.#known < cut.pieceHashes.length - 1 && (this.#known + 1) * cut.pieceLength <= this.#received) {
      cut.pieceHashes[this.#known] = this.#hasher.pieceHash(this.#known, cut.pieceLength);
      pieces.push(this.#known++);
    }
    return pieces;
  }

  /** Undefined when the bytes have another digest. A SHA-512 takes a pass over the file: such digests are rare. */
  async #verified(): Promise<Metainfo | undefined> {
    const { digest, policy, file } = this.#options;
    if (digestAlgorithm(digest) === 'sha512') return hashContent(file, digest, policy);
    const { digest: actual, metainfo } = this.#hasher.finish(policy);
    return actual === digest ? metainfo : undefined;
  }
}
