import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRemoteOpen } from "../../../src/codec/config/remote-open.ts";
import type { Dialer } from "../../../src/flow/conn.ts";
import { permittedDialer } from "../../../src/forward/permitted-dialer.ts";
import { connPair } from "../../kit/memory-conn.ts";
import { refusal } from "../../kit/refusal.ts";

const origin = { host: "127.0.0.1", port: 33458 };
const { signal } = new AbortController();

test("What PermitRemoteOpen permits is dialed, and all else is refused before any dial.", async () => {
  const dialed: string[] = [];
  const dialer: Dialer = {
    async dial(target) {
      dialed.push(JSON.stringify(target));
      return { conn: connPair()[0], leg: { from: undefined, to: target, observed: false } };
    },
  };
  const permitted = permittedDialer(dialer, parseRemoteOpen(["db:5432"]));
  await permitted.dial({ host: "db", port: 5432 }, origin, signal);
  const error = await refusal(permitted.dial({ host: "db", port: 22 }, origin, signal));
  assert.deepEqual([error.code, error.message], ["target.prohibited", "PermitRemoteOpen does not allow db:22"]);
  assert.equal((await refusal(permitted.dial({ path: "/run/db" }, origin, signal))).code, "target.prohibited");
  assert.deepEqual(dialed, ['{"host":"db","port":5432}']);
});
