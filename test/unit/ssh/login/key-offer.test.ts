import assert from "node:assert/strict";
import { test } from "node:test";
import type { BaseAgent, ParsedKey } from "ssh2";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { offerKey } from "../../../../src/ssh/login/key-offer.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";

const ssh2 = await loadSsh2();

function publicKey(): ParsedKey {
  const key = ssh2.utils.parseKey(makeSshKey().public);
  assert.ok(!(key instanceof Error));
  return key;
}

type Sign = Parameters<typeof offerKey>[2];

function offer(sign: Sign) {
  const key = publicKey();
  const failures: unknown[] = [];
  const agent = offerKey(ssh2, key, sign, (error) => failures.push(error));
  return { key, failures, agent };
}

function identities(agent: BaseAgent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => (error ? reject(error) : resolve(keys)));
  });
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("To ssh2 it is an agent with one key.", async () => {
  const { key, agent } = offer(async () => Buffer.alloc(0));
  assert.ok(agent instanceof ssh2.BaseAgent);
  const keys = await identities(agent);
  assert.ok(Array.isArray(keys) && keys.length === 1 && keys[0] === key);
});

test("What is to be signed is handed on with its hash, in memory of its own, and the signature comes back.", async () => {
  const asked: [Buffer, string | undefined][] = [];
  const { key, agent } = offer(async (data, hash) => {
    asked.push([data, hash]);
    return Buffer.from("signature");
  });
  const data = Buffer.from("data");
  const signed = new Promise((resolve, reject) => {
    agent.sign(key, data, { hash: "sha512" }, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
  data.fill(0);
  assert.deepEqual(await signed, Buffer.from("signature"));
  assert.deepEqual(asked, [[Buffer.from("data"), "sha512"]]);
});

test("Without options there is no hash: the key's type says which.", async () => {
  const hashes: unknown[] = [];
  const { key, agent } = offer(async (_data, hash) => {
    hashes.push(hash);
    return Buffer.from("s");
  });
  await new Promise((resolve) => {
    agent.sign(key, Buffer.from("data"), (_error, signature) => resolve(signature));
  });
  assert.deepEqual(hashes, [undefined]);
});

test("A signature that cannot be made is never told to ssh2: the next attempt has been started.", async () => {
  let called = false;
  const { key, failures, agent } = offer(async () => undefined);
  agent.sign(key, Buffer.from("data"), () => {
    called = true;
  });
  await settled();
  assert.deepEqual([called, failures], [false, []]);
});

test("What goes wrong while signing, or in ssh2 with the signature, is heard.", async () => {
  const broken = new Error("no");
  const signing = offer(() => Promise.reject(broken));
  signing.agent.sign(signing.key, Buffer.from("data"), () => assert.fail("there is no signature"));
  const taking = offer(async () => Buffer.from("signature"));
  taking.agent.sign(taking.key, Buffer.from("data"), () => {
    throw broken;
  });
  await settled();
  assert.deepEqual([signing.failures, taking.failures], [[broken], [broken]]);
});
