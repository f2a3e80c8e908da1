/** Public tokens, made by the published client and judged by the server. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ApiClient, auth, streams } from "../support/client.js";
import { ask, baseURL, close, collect, newRun } from "../support/lab.js";

type Scopes = NonNullable<Parameters<typeof auth.createPublicToken>[0]>["scopes"];

const read = (run: string, token: string) =>
  ask("GET", `/realtime/v1/streams/${run}/key?wait=0`, bearer(token));
const write = (run: string, token: string) =>
  ask("POST", `/realtime/v1/streams/${run}/self/key`, { ...bearer(token), body: '"chunk"\n' });

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

export const tokens = () =>
  describe("tokens", { concurrency: 100 }, () => {
    const mine = newRun();
    const other = newRun();
    const cases: [string, Scopes, [number, number, number]][] = [
      ["read:runs:{id}", { read: { runs: mine } }, [200, 403, 403]],
      ["read:runs:{id} of several", { read: { runs: [other, mine] } }, [200, 200, 403]],
      ["read:runs", { read: { runs: true } }, [200, 200, 403]],
      ["read:all", { read: { all: true } } as Scopes, [200, 200, 403]],
      ["write:runs:{id}", { write: { runs: mine } } as Scopes, [403, 403, 200]],
      ["write:all", { write: { all: true } } as Scopes, [403, 403, 200]],
      ["read:tags", { read: { tags: "tag" } }, [403, 403, 403]],
    ];
    for (const [name, scopes, expected] of cases) {
      it(`allows with ${name} what it says`, async () => {
        const token = await auth.createPublicToken({ scopes });
        const answers = [await read(mine, token), await read(other, token), await write(mine, token)];
        assert.deepEqual(answers.map((answer) => answer.status), expected);
      });
    }

    it("lets a client read with a token", async () => {
      const run = newRun();
      await streams.append("key", "text", { target: run });
      await close(run, "key");
      const token = await auth.createPublicToken({ scopes: { read: { runs: run } } });
      const found = await new ApiClient(baseURL, token).fetchStream(run, "key");
      assert.deepEqual(await collect(found), ["text"]);
    });

    it("ends with its expiry", async () => {
      const run = newRun();
      const said = { scopes: { read: { runs: run } } };
      const good = await auth.createPublicToken({ ...said, expirationTime: "1h" });
      const past = Math.floor(Date.now() / 1000) - 1;
      const expired = await auth.createPublicToken({ ...said, expirationTime: past });
      assert.equal((await read(run, good)).status, 200);
      const refused = await read(run, expired);
      assert.equal(refused.status, 401);
      assert.match(await refused.text(), /Public Access Token has expired/);
    });

    it("is signed by the secret key only", async () => {
      const client = new ApiClient(baseURL, "not-the-secret-key");
      await assert.rejects(client.generateJWTClaims(), { status: 401 });
      const token = await auth.createPublicToken({ scopes: { read: { runs: true } } });
      await assert.rejects(new ApiClient(baseURL, token).generateJWTClaims(), { status: 403 });
    });
  });
