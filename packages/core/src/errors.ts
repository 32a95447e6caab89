/**
 * Every error that leaves a module on purpose is a ShoalError: a stable `code` for programs, an HTTP
 * `status` for the wire, a message for people. The table of codes stands in docs/ARCHITECTURE.md.
 */
export class ShoalError extends Error {
  readonly code: string;
  readonly status: number;
  /** Machine-readable context; it reaches clients, so it never holds secrets. */
  readonly detail: unknown;

  constructor(code: string, status: number, message: string, options: { detail?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.detail = options.detail;
  }
}

/** The codes of the OCI Distribution Specification v1.1, "Error Codes", with the status each is sent with. */
export const ociErrorStatus = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
} as const;

export type OciErrorCode = keyof typeof ociErrorStatus;

/** An error that a registry client sees as `{"errors":[{code,message,detail}]}`. */
export class OciError extends ShoalError {
  declare readonly code: OciErrorCode;

  constructor(
    code: OciErrorCode,
    message: string,
    options: { detail?: unknown; cause?: unknown; status?: number } = {},
  ) {
    super(code, options.status ?? ociErrorStatus[code], message, options);
  }
}

/** A value that could not be parsed: names the field, the value and what is allowed. */
export class InvalidValueError extends ShoalError {
  constructor(field: string, value: unknown, allowed: string) {
    super('INVALID_VALUE', 400, `${field}: ${printable(value)} is not allowed; ${allowed}`, {
      detail: { field, allowed },
    });
  }
}

const printable = (value: unknown): string => {
  // An object from the wire may carry a `toString` that is no function.
  const text =
    typeof value === 'number' || typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
};
