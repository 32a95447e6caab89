import { formatBytes, ShoalError } from '@shoal/core';

/** The disk, or the part of the quota that is not in use at this moment, has no room. */
export class StoreFullError extends ShoalError {
  constructor(message: string, options: { detail?: unknown; cause?: unknown } = {}) {
    super('STORE_FULL', 507, message, options);
  }
}

/** The blob is larger than the whole quota: it passes through uncached. */
export class BlobTooLargeError extends ShoalError {
  constructor(size: number, quotaBytes: number) {
    super('BLOB_TOO_LARGE', 507, `a blob of ${formatBytes(size)} does not fit a cache of ${formatBytes(quotaBytes)}`, {
      detail: { size, quotaBytes },
    });
  }
}

/** Another living process works in the folder. */
export class FolderInUseError extends ShoalError {
  constructor(folder: string, pid: number) {
    super(
      'FOLDER_IN_USE',
      500,
      `folder ${folder} is in use by process ${pid}; every process needs a folder of its own`,
      {
        detail: { folder, pid },
      },
    );
  }
}

/** What the caller should see of an error of the file system: ENOSPC and EDQUOT become a StoreFullError. */
export const fromDiskError = (error: unknown, doing: string): unknown =>
  isDiskFull(error) ? new StoreFullError(`${doing}: the disk is full`, { cause: error }) : error;

export const isDiskFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');

/** The `code` of a Node system error, such as `ENOENT`. */
export const errorCode = (error: unknown): string | undefined => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
};
