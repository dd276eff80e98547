/** A key whose `.pub` file holds a certificate: porthop logs in where ssh of each version does. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { newerOpenSsh, opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import { makeKey, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 60_000 };
const directory = tempDirectory("certified-keys");
after(() => removeTemp(directory));
let made = 0;

const thePlace = shared(async () => {
  const authority = makeKey(join(directory, "authority"));
  const sshd = await startSshd({ config: [`TrustedUserCAKeys ${authority}.pub`, "MaxAuthTries 2"] });
  writeFileSync(sshd.authorizedKeysFile, "");
  return { authority, sshd, [Symbol.asyncDispose]: () => sshd[Symbol.asyncDispose]() };
});

/** A key with its certificate in KEY.pub. */
async function certifiedKey(format = "RFC4716"): Promise<string> {
  const { authority, sshd } = await thePlace();
  const file = makeKey(join(directory, `key${++made}`), format === "RFC4716" ? "ed25519" : "ecdsa");
  await run("ssh-keygen", ["-q", "-p", "-m", format, "-P", "", "-N", "", "-f", file]);
  renameSync(await certify(file, { authority, principals: [sshd.user] }), `${file}.pub`);
  return file;
}

async function attempts(naming: readonly string[], socket = "none") {
  const { sshd } = await thePlace();
  const settings = [`UserKnownHostsFile=${sshd.knownHostsFile}`, `IdentityAgent=${socket}`, "BatchMode=yes"];
  const login = ["-F", "none", ...naming, "-p", String(sshd.port), "-l", sshd.user];
  const words = [...login, ...settings.flatMap((setting) => ["-o", setting]), sshd.host, "echo arrived"];
  await using program = porthop(["run", ...words]);
  const theirs = await Promise.all(opensshes().map(({ ssh }) => run(ssh, words)));
  return { ours: await program.exit, theirs };
}

for (const format of ["RFC4716", "PEM", "PKCS8"]) {
  test(
    `With -i, a key in the format ${format} whose .pub file is a certificate logs in by it, as with ssh 10.`,
    limits,
    async () => {
      const { ours, theirs } = await attempts(["-i", await certifiedKey(format)]);
      assert.deepEqual([ours.code, ours.stdout, ours.stderr], [0, "arrived\n", ""]);
      // An older ssh looks into the private key before it looks at the .pub file.
      if (newerOpenSsh() !== undefined) assert.equal(theirs.at(-1)?.stdout, "arrived\n");
    },
  );
}

test("The private key of such a certificate may be in the agent alone.", limits, async () => {
  const file = await certifiedKey();
  await using agent = await startSshAgent();
  const certificate = readFileSync(`${file}.pub`);
  rmSync(`${file}.pub`);
  await agent.add(file);
  writeFileSync(`${file}.pub`, certificate);
  rmSync(file);
  const { ours, theirs } = await attempts(["-o", `IdentityFile=${file}`], agent.socket);
  assert.deepEqual([ours.code, ours.stdout], [0, "arrived\n"]);
  for (const { stdout } of theirs) assert.equal(stdout, "arrived\n");
});

test(
  "A certificate of another key in the .pub file does not keep the key itself from logging in.",
  limits,
  async () => {
    const { sshd } = await thePlace();
    const [file, other] = [makeKey(join(directory, `key${++made}`)), await certifiedKey()];
    writeFileSync(sshd.authorizedKeysFile, readFileSync(`${file}.pub`));
    renameSync(`${other}.pub`, `${file}.pub`);
    const { ours } = await attempts(["-i", file]);
    assert.deepEqual([ours.code, ours.stdout], [0, "arrived\n"]);
  },
);
