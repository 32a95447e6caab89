import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { formatAddress } from '@shoal/core';
import { loadConfig } from '@shoal/service';
import { Validator } from '@seriousme/openapi-schema-validator';
import { agentConfig } from '../../services/agent/src/config.ts';
import { Agent } from '../../services/agent/src/service.ts';
import { originConfig } from '../../services/origin/src/config.ts';
import { Origin } from '../../services/origin/src/service.ts';
import { trackerConfig } from '../../services/tracker/src/config.ts';
import { Tracker } from '../../services/tracker/src/service.ts';
import { openApiDocuments, openApiFolder } from './openapi-doc.ts';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const documents = openApiDocuments();
const operationsOf = (text: string): string[] =>
  Object.entries((JSON.parse(text) as Document).paths).flatMap(([url, operations]) =>
    Object.keys(operations)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${url}`),
  );

/** Of fastify's instances what is needed here. */
interface RouteSource {
  addHook(name: 'onRoute', listener: (route: { method: string | string[]; url: string }) => void): void;
}

/** `METHOD path` of every route of the servers that are made while `work` runs. */
const routesMade = async (work: () => Promise<AsyncDisposable>): Promise<Set<string>> => {
  const routes = new Set<string>();
  const listen = (message: unknown): void => {
    const { fastify } = message as { fastify: RouteSource };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.add(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
  };
  channel('fastify.initialization').subscribe(listen);
  try {
    await using _ = await work();
    return routes;
  } finally {
    channel('fastify.initialization').unsubscribe(listen);
  }
};

const any = { port: 0 };
const base = { admin: any, debug: any, log: { level: 'silent' } };
const started = {
  tracker: () =>
    Tracker.start(
      loadConfig(trackerConfig, { values: { ...base, api: any, ui: any, harbor: { password: 'a'.repeat(32) } } }),
    ),
  origin: (folder: string) =>
    Origin.start(
      loadConfig(originConfig, {
        values: {
          ...base,
          registry: any,
          pieces: any,
          folder,
          auth: { tokens: ['a'.repeat(32)] },
        },
      }),
    ),
  agent: (folder: string) =>
    Agent.start(loadConfig(agentConfig, { values: { ...base, registry: any, pieces: any, cache: { folder } } })),
};

for (const service of ['agent', 'origin', 'tracker'] as const) {
  test(`the OpenAPI document of the ${service} is current, and is one`, async () => {
    const file = path.join(openApiFolder, `${service}.json`);
    assert.equal(await readFile(file, 'utf8'), documents[service], 'it is out of date: npm run docs');
    const { valid, errors } = await new Validator().validate(JSON.parse(documents[service]) as Record<string, unknown>);
    assert.ok(valid, JSON.stringify(errors, undefined, 2));
  });

  test(`the ${service} serves its document, and every route of it is documented`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'shoal-openapi-'));
    try {
      const routes = await routesMade(async () => {
        const process = await started[service](folder);
        const { addresses } = process;
        const address = 'api' in addresses ? addresses.api : addresses['registry'];
        const answer = await fetch(`http://${formatAddress(address!)}/openapi.json`);
        assert.deepEqual(await answer.json(), JSON.parse(documents[service]));
        return process;
      });
      const documented = new Set(operationsOf(documents[service]));
      const isWildcard = (route: string): boolean => / (\/v2(\/\*)?|.*\*)$/.test(route);
      const plain = [...routes].filter((route) => !isWildcard(route));
      assert.deepEqual(
        plain.filter((route) => !documented.has(route)),
        [],
        'routes that are not documented',
      );
      const served = (operation: string): boolean => {
        const [method = '', url = ''] = operation.split(' ');
        const under = ['/v2/*', '/shoal/v1/namespaces/*', '/shoal/v1/repositories/*'].find((one) =>
          url.startsWith(one.slice(0, -1)),
        );
        return routes.has(operation) || routes.has(`${method} ${under}`);
      };
      const admin = new Set(['GET /metrics', 'GET /livez', 'GET /readyz']);
      assert.deepEqual(
        [...documented].filter((one) => !admin.has(one) && !served(one)),
        [],
        'nobody serves these',
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
