import { type ByteRange, uploadedRange } from '@shoal/registry';
import { type Digest, OciError, type RepositoryName, ShoalError } from '@shoal/core';
import type { Upload, UploadStore } from '@shoal/store';
import type { FastifyRequest } from 'fastify';
import type { BlobLink } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import type { BodyPace } from './body-batches.ts';
import { bodyChunks, contentLength } from './request-body.ts';

export interface BlobReceiverOptions extends BodyPace {
  /** Bodies that are received at the same moment. */
  readonly activeMax: number;
  /** Largest blob, in bytes. */
  readonly blobBytesMax: number;
  readonly bytesReceived: (bytes: number) => void;
}

/** Moves request bodies into uploads and makes them blobs; holds the limits that all ways of pushing a blob share. */
export class BlobReceiver {
  readonly #content: Content;
  readonly #options: BlobReceiverOptions;
  #active = 0;

  constructor(content: Content, options: BlobReceiverOptions) {
    this.#content = content;
    this.#options = options;
  }

  /** Bodies that are being received now. */
  get active(): number {
    return this.#active;
  }

  get uploads(): UploadStore {
    return this.#content.blobs.uploads;
  }

  /** @throws OciError BLOB_UPLOAD_UNKNOWN */
  async upload(id: string, repository: RepositoryName): Promise<Upload> {
    const upload = await this.uploads.get(id, repository);
    if (!upload) throw new OciError('BLOB_UPLOAD_UNKNOWN', `repository ${repository} has no upload of that id`);
    return upload;
  }

  /** Appends the request's body. @throws OciError BLOB_UPLOAD_INVALID (416) out of order, SIZE_INVALID */
  async receive(upload: Upload, request: FastifyRequest, range: ByteRange | undefined): Promise<void> {
    const length = contentLength(request);
    if (range && range.start !== upload.size) throw outOfOrder(range, upload);
    if (range && length !== undefined && length !== range.end - range.start) {
      throw new OciError(
        'SIZE_INVALID',
        `Content-Range names ${range.end - range.start} bytes, Content-Length ${length}`,
      );
    }
    if (length === 0) return;
    const bytesMax = this.#options.blobBytesMax - upload.size;
    if ((length ?? 0) > bytesMax)
      throw new OciError('SIZE_INVALID', `a blob of more than ${this.#options.blobBytesMax} bytes is not allowed`, {
        status: 413,
      });
    await this.#whileActive(() => upload.append(bodyChunks(request, this.#options), { offset: upload.size, bytesMax }));
    if (range && upload.size !== range.end)
      throw new OciError('SIZE_INVALID', `Content-Range ends at ${range.end - 1}, the upload at ${upload.size - 1}`);
  }

  /** A whole blob in one request; nothing is kept when it fails. @throws OciError DIGEST_INVALID */
  async receiveBlob(
    repository: RepositoryName,
    digest: Digest,
    request: FastifyRequest,
    link: BlobLink = 'pushed',
  ): Promise<void> {
    const upload = await this.uploads.create(repository);
    try {
      await this.receive(upload, request, undefined);
      await this.#content.commitBlob(upload, digest, link);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  }

  commit(upload: Upload, digest: Digest): Promise<void> {
    return this.#content.commitBlob(upload, digest);
  }

  async #whileActive(receive: () => Promise<void>): Promise<void> {
    if (this.#active >= this.#options.activeMax)
      throw new ShoalError('BUSY', 503, `${this.#active} uploads are being received; try again later`);
    this.#active++;
    try {
      await receive();
    } finally {
      this.#active--;
    }
  }
}

const outOfOrder = (range: ByteRange, upload: Upload): OciError =>
  new OciError(
    'BLOB_UPLOAD_INVALID',
    `the chunk begins at byte ${range.start}, the upload continues at ${upload.size}`,
    {
      status: 416,
      detail: { range: uploadedRange(upload.size) },
    },
  );
