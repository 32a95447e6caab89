/** What the OCI conformance suite asks about blobs: each way to push one, with both algorithms, and how they are read. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { digestBytes, RegistryClient } from '../../services/origin/src/testing/registry-client.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { pushes } from './pushes.ts';

const [repository, other] = ['conformance/one', 'conformance/two'];

let started: TestCluster;
let origin: RegistryClient;
let agent: RegistryClient;

before(async () => {
  started = await testCluster({ agents: 1 });
  origin = new RegistryClient(started.cluster.origin.url);
  agent = new RegistryClient(started.cluster.agents[0]!.url);
});
after(() => started[Symbol.asyncDispose]());

const bytesOf = async (client: RegistryClient, digest: string, name = repository): Promise<Buffer | number> => {
  const answer = await client.call('GET', `/v2/${name}/blobs/${digest}`);
  return answer.status === 200 ? answer.bytes : answer.status;
};

for (const algorithm of ['sha256', 'sha512'] as const)
  describe(`a blob with a ${algorithm} digest`, () => {
    for (const [way, push] of Object.entries(pushes)) {
      it(`is pushed by ${way}`, async () => {
        const bytes = randomBytes(3 * 1024 - 5);
        const digest = digestBytes(bytes, algorithm);
        const answer = await push(origin, repository, bytes, digest);
        assert.deepEqual([answer.status, answer.headers['docker-content-digest']], [201, digest]);
        assert.ok((await origin.call('GET', String(answer.headers['location']))).bytes.equals(bytes));
        for (const client of [origin, agent]) assert.deepEqual(await bytesOf(client, digest), bytes);
      });

      it(`is refused by ${way} with another digest`, async () => {
        const wrong = digestBytes(randomBytes(9), algorithm);
        assert.equal((await push(origin, repository, randomBytes(3 * 1024 - 5), wrong)).status, 400);
        assert.equal(await bytesOf(origin, wrong), 404);
      });
    }

    it('may be empty, or an empty object', async () => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('{}')]) {
        const digest = await origin.pushBlob(repository, bytes, algorithm);
        for (const client of [origin, agent]) assert.deepEqual(await bytesOf(client, digest), bytes);
      }
    });

    it('is mounted from a repository that has it, named or not, and from no other', async () => {
      const mount = (digest: string, from: string) =>
        origin.call('POST', `/v2/${other}/blobs/uploads/?mount=${digest}${from}`);
      for (const from of [`&from=${repository}`, '']) {
        const bytes = randomBytes(100);
        const digest = await origin.pushBlob(repository, bytes, algorithm);
        assert.equal((await mount(digest, from)).status, 201);
        for (const client of [origin, agent]) assert.deepEqual(await bytesOf(client, digest, other), bytes);
        const missing = await mount(digestBytes(randomBytes(9), algorithm), from);
        assert.equal(missing.status, 202);
        assert.equal((await origin.call('GET', String(missing.headers['location']))).status, 204);
      }
    });

    it('is not there after a push that was cancelled', async () => {
      const location = await origin.startUpload(repository);
      assert.equal((await origin.call('DELETE', location)).status, 204);
      assert.equal((await origin.call('GET', location)).status, 404);
    });

    it('is deleted from one repository alone', async () => {
      const digest = await origin.pushBlob(repository, randomBytes(100), algorithm);
      await origin.call('POST', `/v2/${other}/blobs/uploads/?mount=${digest}&from=${repository}`);
      assert.equal((await origin.call('DELETE', `/v2/${repository}/blobs/${digest}`)).status, 202);
      assert.equal(await bytesOf(origin, digest), 404);
      assert.notEqual(await bytesOf(origin, digest, other), 404);
    });

    it('is read in ranges, at the agent before anything of it is there and after', async () => {
      const bytes = randomBytes(3000);
      const digest = await origin.pushBlob(repository, bytes, algorithm);
      for (const client of [origin, agent, agent])
        for (const [range, from, to] of [
          ['500-1499', 500, 1499],
          ['500-', 500, 2999],
          ['0-', 0, 2999],
          ['-500', 2500, 2999],
          ['2000-5000', 2000, 2999],
          ['500-0', undefined, 0],
          ['5000-10000', undefined, 0],
        ] as const) {
          const answer = await client.call('GET', `/v2/${repository}/blobs/${digest}`, {
            headers: { range: `bytes=${range}` },
          });
          assert.equal(answer.status, from === undefined ? 416 : 206, range);
          if (from === undefined) continue;
          assert.equal(answer.headers['content-range'], `bytes ${from}-${to}/3000`);
          assert.ok(answer.bytes.equals(bytes.subarray(from, to + 1)), range);
        }
    });
  });
