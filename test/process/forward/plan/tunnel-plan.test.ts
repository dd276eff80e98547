import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { run } from "../../../kit/run.ts";
import { projectRoot } from "../../../kit/runtime.ts";
import { snippetCommand } from "../../../kit/snippet.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("tunnel-plan");
after(() => removeTemp(folder));
const hostKey = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const hostKeyLine = (name: string) => `${name} ssh-ed25519 ${hostKey.toString("base64")}\n`;

function knownHosts(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, text);
  return full;
}

test("The known hosts of the user's home are believed, both files of them.", { timeout: 30_000 }, async () => {
  const [command, ...args] = snippetCommand(
    {
      readRunSettings: "src/config/run-settings.ts",
      planTunnel: "src/forward/plan/tunnel-plan.ts",
      loadSsh2: "src/ssh/loader.ts",
    },
    `
    const quiet = { error() {}, warn() {}, info() {}, debug() {}, shows: () => false };
    const settings = readRunSettings(["-o", "GlobalKnownHostsFile=none", "vishnu"]);
    const { signal } = new AbortController();
    const plan = await planTunnel(settings, { log: quiet, prompter: undefined, environment: {}, signal });
    const trust = await plan.trust(await loadSsh2(), undefined);
    console.log(trust.hostKeyTypes.join());
    `,
  );
  for (const name of ["known_hosts", "known_hosts2"]) {
    const path = knownHosts(join(name, ".ssh", name), hostKeyLine("vishnu"));
    const env = { ...process.env, HOME: join(path, "..", "..") };
    const { stdout, stderr } = await run(command, args, { cwd: projectRoot, env });
    assert.equal(stdout, "ssh-ed25519\n", stderr);
  }
});
