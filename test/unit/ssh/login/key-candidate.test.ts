import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";
import { parsePublicKey, recognizeKey } from "../../../../src/codec/keys/key-text.ts";
import { verifySignature } from "../../../../src/codec/keys/ssh-signature.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { type Agent, type AgentKey, rsaSha256Flag, rsaSha512Flag } from "../../../../src/ssh/login/agent.ts";
import { foreignAlgorithm } from "../../../../src/ssh/login/foreign-algorithm.ts";
import type { Identities } from "../../../../src/ssh/login/identity.ts";
import { type CandidateSources, gatherCandidates } from "../../../../src/ssh/login/key-candidate.ts";
import { KeyFile } from "../../../../src/ssh/login/key-file.ts";
import { readUserCertificate } from "../../../../src/ssh/login/user-certificate.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";

const ssh2 = await loadSsh2();

function keyFile(label: string) {
  const made = makeSshKey();
  const publicBlob = parsePublicKey(made.public);
  assert.ok(publicBlob !== undefined);
  const file = new KeyFile({ label, text: made.private, recognized: recognizeKey(made.private), publicBlob });
  const certificate = (besides: KeyFile | undefined) =>
    readUserCertificate(`${label}-cert.pub`, writeCertificate({ publicKey: publicBlob.subarray(-32) }), besides);
  return { file, blob: publicBlob, certificate };
}

const agentKey = (comment: string, blob: Buffer, type = "ssh-ed25519"): AgentKey => ({ blob, type, comment });

function gather(identities: Partial<Identities>, agentKeys: readonly AgentKey[], more: Partial<CandidateSources> = {}) {
  return gatherCandidates({
    identities: { files: [], certificates: [], unusable: [], publicBlobs: [], ...identities },
    agent: undefined,
    agentKeys,
    identitiesOnly: false,
    opening: () => ({ ssh2, prompter: undefined, prompts: 1 }),
    signal: undefined,
    ...more,
  });
}

test("CertificateFile comes before all files, a certificate beside a key right behind it, the agent before both.", () => {
  const [one, two] = [keyFile("one"), keyFile("two")];
  const named = two.certificate(undefined);
  const beside = one.certificate(one.file);
  const { inOrder, halves } = gather({ files: [one.file, two.file], certificates: [named, beside] }, [
    agentKey("agent", writeStrings("ssh-ed25519", Buffer.alloc(32))),
  ]);
  assert.deepEqual(
    inOrder.map(({ label }) => label),
    ["agent", "two-cert.pub", "one", "one-cert.pub", "two"],
  );
  assert.deepEqual(halves, []);
});

test("A certificate that the agent holds is the agent's, one whose key it holds is signed there.", async () => {
  const { blob, certificate } = keyFile("key");
  const own = certificate(undefined);
  const held = gather({ certificates: [own], publicBlobs: [own.blob] }, [
    agentKey("its", own.blob, "ssh-ed25519-cert-v01@openssh.com"),
  ]);
  assert.deepEqual(
    held.inOrder.map(({ label, fromAgent, certificate: facts }) => [label, fromAgent, facts?.id]),
    [["its (certificate)", true, "id"]],
  );
  const asked: Buffer[] = [];
  const agent = {
    sign: async (which: Buffer) => {
      asked.push(which);
      return writeStrings("ssh-ed25519", "signature");
    },
  } as unknown as Agent;
  const { inOrder } = gather({ certificates: [own] }, [agentKey("plain", blob)], { agent });
  assert.deepEqual(
    inOrder.map(({ label, fromAgent }) => [label, fromAgent]),
    [
      ["plain", true],
      ["key-cert.pub", true],
    ],
  );
  const algorithm = foreignAlgorithm(own.certificate.type, undefined);
  assert.ok(algorithm !== undefined);
  await inOrder[1]?.signWhole(Buffer.from("data"), algorithm);
  assert.deepEqual(asked, [blob]);
});

test("A certificate without its key anywhere is half of something.", () => {
  const { certificate } = keyFile("lone");
  const own = certificate(undefined);
  const { inOrder, halves } = gather({ certificates: [own] }, []);
  assert.deepEqual([inOrder.length, halves], [0, [own]]);
});

test("A file's whole signature is right in SSH's form, ECDSA's too.", async () => {
  const { file, blob } = keyFile("ed25519");
  const data = Buffer.from("data");
  const [candidate] = gather({ files: [file] }, []).inOrder;
  const plain = { offered: "x", signature: "ssh-ed25519", hash: undefined };
  assert.equal(verifySignature(blob, data, (await candidate?.signWhole(data, plain)) ?? Buffer.alloc(0)), true);
  const text = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" });
  const ecdsa = new KeyFile({
    label: "ec",
    text: String(text),
    recognized: recognizeKey(String(text)),
    publicBlob: undefined,
  });
  const opened = await ecdsa.open({ ssh2, prompter: undefined, prompts: 1 });
  const [signer] = gather({ files: [ecdsa] }, []).inOrder;
  const curve = { offered: "x", signature: "ecdsa-sha2-nistp256", hash: undefined };
  assert.equal(verifySignature(opened.blob, data, (await signer?.signWhole(data, curve)) ?? Buffer.alloc(0)), true);
  const bare = await signer?.sign(data, undefined);
  assert.equal(verify("sha256", data, createPublicKey(String(text)), bare ?? Buffer.alloc(0)), true);
});

test("The agent is asked for the hash, and one that signs with another is not believed.", async () => {
  const flags: number[] = [];
  const agent = {
    sign: async (_blob: Buffer, _data: Buffer, flag: number) => {
      flags.push(flag);
      return writeStrings("rsa-sha2-512", "signature");
    },
  } as unknown as Agent;
  const key = agentKey("rsa", writeStrings("ssh-rsa", "e", "n"), "ssh-rsa");
  const [candidate] = gather({}, [key], { agent }).inOrder;
  assert.ok(candidate !== undefined);
  assert.equal((await candidate.sign(Buffer.from("data"), "sha512")).toString(), "signature");
  await assert.rejects(candidate.sign(Buffer.from("data"), "sha256"), /cannot sign with rsa-sha2-256/);
  assert.deepEqual(flags, [rsaSha512Flag, rsaSha256Flag]);
});
