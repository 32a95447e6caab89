import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Login } from './client.ts';

const pullImage = '/runtime.v1.ImageService/PullImage';

/**
 * What the kubelet sends a runtime to pull an image: `PullImage` of the CRI, version v1, a unary call of gRPC. Nothing
 * of Debian or npm speaks it. Source: k8s.io/cri-api, runtime/v1/api.proto; gRPC over HTTP2.
 * @returns the image reference of the runtime: for containerd the digest of the configuration
 * @throws Error with the status and message of gRPC
 */
export const pullByCri = async (
  socket: string,
  request: { readonly reference: string; readonly login?: Login | undefined },
  signal: AbortSignal,
): Promise<string> => {
  const session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
  session.on('error', () => {}); // The stream has it too.
  try {
    const stream = session.request(
      { ':method': 'POST', ':path': pullImage, 'content-type': 'application/grpc', te: 'trailers' },
      { signal },
    );
    stream.on('error', () => {}); // Whoever waits for a part of it gets the error.
    const trailers = once(stream, 'trailers', { signal }) as Promise<[IncomingHttpHeaders]>;
    const headers = once(stream, 'response', { signal }) as Promise<[IncomingHttpHeaders]>;
    trailers.catch(() => {});
    stream.end(frame(pullImageRequest(request)));
    const [first] = await headers;
    const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
    // A call that fails at once has its status among the headers.
    const { 'grpc-status': status, 'grpc-message': message } = 'grpc-status' in first ? first : (await trailers)[0];
    if (status !== '0') throw new Error(`gRPC status ${status}: ${decodeURIComponent(String(message))}`);
    return imageReference(body);
  } finally {
    session.destroy();
  }
};

/** `PullImageRequest`: an `ImageSpec` with the name, and an `AuthConfig` with what the kubelet has of a pod's secret. */
const pullImageRequest = ({ reference, login }: { reference: string; login?: Login | undefined }): Buffer => {
  const image = field(1, field(1, Buffer.from(reference)));
  if (!login) return image;
  const auth = Buffer.concat([field(1, Buffer.from(login.name)), field(2, Buffer.from(login.password))]);
  return Buffer.concat([image, field(2, auth)]);
};

/** A length-delimited field of protobuf. */
export const field = (number: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(value.length)]), value]);

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);

/** A message of gRPC: not compressed, four bytes of length. */
export const frame = (message: Buffer): Buffer => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
};

/** `PullImageResponse.image_ref`, the first field and the only one; it is shorter than 128 bytes. */
export const imageReference = (body: Buffer): string => body.subarray(7, 7 + (body[6] ?? 0)).toString();
