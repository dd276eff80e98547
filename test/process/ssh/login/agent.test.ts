import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readString, writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { Agent, rsaSha256Flag, rsaSha512Flag } from "../../../../src/ssh/login/agent.ts";
import { need } from "../../../kit/packages.ts";
import { startSshAgent } from "../../../kit/ssh-agent.ts";
import { makeKey } from "../../../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const limits = { skip: need("ssh-agent", "ssh-add", "ssh-keygen"), timeout: 60_000 };

test("Keys of a real agent are listed in its order, and sign what their public part verifies", limits, async () => {
  const ssh2 = await loadSsh2();
  const directory = tempDirectory("agent-keys");
  await using real = await startSshAgent();
  const types = ["ed25519", "ecdsa", "rsa"] as const;
  await real.add(...types.map((type) => makeKey(join(directory, type), type)));
  const agent = new Agent(ssh2, real.socket);
  const keys = await agent.list();
  assert.deepEqual(
    keys.map(({ type, comment }) => [type, comment]),
    [
      ["ssh-ed25519", "porthop-test"],
      ["ecdsa-sha2-nistp256", "porthop-test"],
      ["ssh-rsa", "porthop-test"],
    ],
  );
  const data = Buffer.from("data to be signed");
  for (const { blob, type } of keys) {
    const choices: [flags: number, hash: string | undefined, algorithm: string][] =
      type === "ssh-rsa"
        ? [
            [rsaSha256Flag, "sha256", "rsa-sha2-256"],
            [rsaSha512Flag, "sha512", "rsa-sha2-512"],
          ]
        : [[0, undefined, type]];
    for (const [flags, hash, algorithm] of choices) {
      const signature = await agent.sign(blob, data, flags);
      const name = readString(signature, 0);
      const bytes = readString(signature, name?.next ?? -1)?.bytes;
      assert.equal(String(name?.bytes), algorithm);
      const verifier = ssh2.utils.parseKey(blob);
      assert.ok(!(verifier instanceof Error) && bytes !== undefined);
      // ECDSA is in SSH's form here (RFC 5656, section 3.1.2), which this verifier does not take.
      if (type !== "ecdsa-sha2-nistp256") assert.equal(verifier.verify(data, bytes, hash), true, algorithm);
    }
  }
  removeTemp(directory);
});

test("An agent without keys has none, and refuses to sign", limits, async () => {
  await using real = await startSshAgent();
  const agent = new Agent(await loadSsh2(), real.socket);
  assert.deepEqual(await agent.list(), []);
  const blob = writeStrings("ssh-ed25519", Buffer.alloc(32));
  await assert.rejects(agent.sign(blob, Buffer.from("data"), 0), /refused to sign/);
});
