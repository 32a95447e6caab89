import { OciError, type OciErrorCode, ociErrorStatus } from '@shoal/core';
import { UpstreamError, type UpstreamFailure } from '@shoal/registry';
import { type ClusterAnswer, readBytes } from '@shoal/service';

/** The other origin lives, and does not do this work now. */
export class FellowBusyError extends Error {}

const failures: Readonly<Record<string, UpstreamFailure>> = {
  UPSTREAM_LIMITED: 'limited',
  UPSTREAM_INVALID: 'invalid',
};

/** What another origin's answer means to who asked it: its body is that of any error of a registry. */
export const fellowError = async (url: string, answer: ClusterAnswer): Promise<Error> => {
  const { code, message } = await errorOf(answer);
  const text = message || `${url} answered ${answer.status}`;
  if (answer.status < 500 && code !== undefined && code in ociErrorStatus)
    return new OciError(code as OciErrorCode, text);
  if (answer.status === 502) return new UpstreamError(failures[code ?? ''] ?? 'unreachable', text);
  return new FellowBusyError(`${url} answered ${answer.status}: ${text}`);
};

const errorOf = async (answer: ClusterAnswer): Promise<{ code?: string | undefined; message: string }> => {
  try {
    const { errors } = JSON.parse((await readBytes(answer, 64 * 1024)).toString()) as {
      errors?: { code?: unknown; message?: unknown }[];
    };
    const { code, message } = errors?.[0] ?? {};
    return {
      code: typeof code === 'string' ? code : undefined,
      message: typeof message === 'string' ? message.slice(0, 500) : '',
    };
  } catch {
    return { message: '' };
  }
};
