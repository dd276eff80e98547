import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKnownHosts } from "../../../../src/codec/keys/known-hosts.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { askAboutHostKey } from "../../../../src/ssh/host/host-key-question.ts";

const blob = writeStrings("ssh-ed25519", "key");
const question = { name: "vishnu", address: "192.0.2.7", kind: "ED25519", fingerprint: "SHA256:abc", blob };

async function asked(answers: readonly string[], known = "") {
  const left = [...answers];
  const questions: string[] = [];
  const told: string[] = [];
  const prompter = {
    ask: async (text: string) => {
      questions.push(text);
      const answer = left.shift();
      assert.ok(answer !== undefined, "asked once too often");
      return answer;
    },
    secret: () => Promise.reject(new Error("nothing secret here")),
    inform: (text: string) => void told.push(text),
  };
  const files = [{ path: "/known", ...parseKnownHosts(known) }];
  return { accepted: await askAboutHostKey(prompter, question, files, undefined), questions, told: told.join("\n") };
}

test("Yes and the right fingerprint accept, no and nothing do not, all else is asked again.", async () => {
  for (const answer of ["yes", " YES ", "SHA256:abc"]) assert.equal((await asked([answer])).accepted, true);
  for (const answer of ["no", "No", ""]) assert.equal((await asked([answer])).accepted, false);
  const { accepted, questions } = await asked(["y", "SHA256:other", "yes"]);
  assert.equal(accepted, true);
  assert.match(questions[0] ?? "", /^Are you sure you want to continue connecting/);
  assert.deepEqual(questions.slice(1), Array(2).fill("Please type 'yes', 'no' or the fingerprint: "));
});

test("Host, address and fingerprint are shown, and under which other names the key is known.", async () => {
  const line = (hosts: string) => `${hosts} ssh-ed25519 ${blob.toString("base64")}`;
  const { told } = await asked(["no"]);
  assert.match(told, /^The authenticity of host 'vishnu \(192\.0\.2\.7\)' can't be established\./);
  assert.match(told, /ED25519 key fingerprint is SHA256:abc\.\nThis key is not known by any other names\.$/);
  const many = Array.from({ length: 10 }, (_each, index) => line(`host${index}`)).join("\n");
  const shown = (await asked(["no"], many)).told;
  assert.match(shown, /other names\/addresses:\n {4}\/known:1: host0\n/);
  assert.match(shown, /host7\n {4}\(2 more\)$/);
});
