import type { FastifyInstance } from 'fastify';

/** `GET /openapi.json`, open to all. The document is made when somebody asks for it, so that it costs no memory before. */
export const serveOpenApi = (app: FastifyInstance, load: () => Promise<object>): void => {
  app.get('/openapi.json', async (_request, reply) =>
    reply.header('content-type', 'application/json').send(JSON.stringify(await load())),
  );
};
