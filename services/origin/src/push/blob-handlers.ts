import { type Digest, isDigest, OciError, parseDigest, parseRepositoryName, type RepositoryName } from '@shoal/core';
import { parseUploadRange, queryOf, type RegistryHandlers, type RouteOf, uploadedRange } from '@shoal/registry';
import type { Upload } from '@shoal/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Content } from '../content.ts';
import type { BlobReceiver } from './blob-receiver.ts';

/** Pushing and deleting blobs: end-4, end-5, end-6, end-10, end-11, end-13 and end-14 of the OCI Distribution Specification. */
export const blobHandlers = (content: Content, receiver: BlobReceiver): RegistryHandlers => ({
  'POST uploads': (route, request, reply) => startUpload(content, receiver, route, request, reply),

  'PATCH upload': async (route, request, reply) => {
    const upload = await receiver.upload(route.id, route.repository);
    await receiver.receive(upload, request, parseUploadRange(request.headers['content-range']));
    return reply.code(202).headers(statusHeaders(upload)).send();
  },

  'PUT upload': async (route, request, reply) => {
    const digest = requiredDigest(queryOf(request).get('digest'));
    const upload = await receiver.upload(route.id, route.repository);
    await receiver.receive(upload, request, parseUploadRange(request.headers['content-range']));
    await receiver.commit(upload, digest);
    return created(reply, route.repository, digest);
  },

  'GET upload': async (route, _request, reply) => {
    const upload = await receiver.upload(route.id, route.repository);
    return reply.code(204).headers(statusHeaders(upload)).send();
  },

  'DELETE upload': async (route, _request, reply) => {
    await (await receiver.upload(route.id, route.repository)).cancel();
    return reply.code(204).send();
  },

  'DELETE blob': async (route, _request, reply) => {
    const found = await content.unlink(content.catalog.require(route.repository), 'blobs', route.digest);
    if (!found) throw new OciError('BLOB_UNKNOWN', `repository ${route.repository} has no blob ${route.digest}`);
    return reply.code(202).send();
  },
});

/** POST of an upload: a mount, a whole blob in one request, or a session. */
const startUpload = async (
  content: Content,
  receiver: BlobReceiver,
  { repository }: RouteOf<'uploads'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> => {
  const query = queryOf(request);
  checkAlgorithm(query.get('digest-algorithm'));
  const mount = query.get('mount');
  if (mount !== null) {
    const from = query.get('from');
    const digest = requiredDigest(mount);
    const mounted = await content.mountBlob(repository, digest, from === null ? undefined : parseRepositoryName(from));
    if (mounted) return created(reply, repository, digest);
  }
  const whole = query.get('digest');
  if (whole !== null) {
    const digest = requiredDigest(whole);
    await receiver.receiveBlob(repository, digest, request);
    return created(reply, repository, digest);
  }
  const upload = await receiver.uploads.create(repository);
  return reply.code(202).headers(statusHeaders(upload)).send();
};

// Relative, so that it is right behind any proxy and under any name of this host.
const statusHeaders = (upload: Upload): Record<string, string> => ({
  location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
  range: uploadedRange(upload.size),
  'docker-upload-uuid': upload.id,
  'content-length': '0',
});

const created = (reply: FastifyReply, repository: RepositoryName, digest: Digest): FastifyReply =>
  reply
    .code(201)
    .headers({ location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' })
    .send();

const requiredDigest = (raw: string | null): Digest => {
  if (raw === null) throw new OciError('DIGEST_INVALID', 'digest: the query parameter is missing');
  return parseDigest(raw);
};

/** The digest of the final request decides; a name we could not verify is refused before any byte is sent. */
const checkAlgorithm = (algorithm: string | null): void => {
  if (algorithm === null || isDigest(`${algorithm}:${'0'.repeat(algorithm === 'sha512' ? 128 : 64)}`)) return;
  throw new OciError(
    'DIGEST_INVALID',
    `digest-algorithm: ${JSON.stringify(algorithm.slice(0, 40))} is not allowed; allowed are sha256 and sha512`,
  );
};
