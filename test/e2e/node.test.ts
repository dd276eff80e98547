/** The bundle for Node does what the executable does, where Node is another runtime than Bun. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { builtForNode } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { needNode } from "../kit/node.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { holdsOn } from "./outage.ts";
import { openTunnel } from "./tunnel.ts";

const runtime = "node";
builtForNode();
const limits = { skip: needNode() || need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

test("It plays the demo, and names the licences of all that is in it.", limits, async () => {
  await using demo = porthop(["demo"], { runtime });
  const { code, stdout, stderr } = await demo.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  const [, capture = ""] = /^The capture of all three: (\S+)$/m.exec(stdout) ?? [];
  rmSync(dirname(capture), { recursive: true });
  await using licenses = porthop(["--licenses"], { runtime });
  const told = (await licenses.exit).stdout;
  assert.match(told, /^ {2}ssh2 \d/m);
  assert.doesNotMatch(told, /^ {2}Bun \d/m);
});

test("What a command prints comes from behind too, for the one in front leaves its stdout open.", limits, async () => {
  const sshd = await theSshd();
  const content = randomBytes(300_000);
  await using program = porthop(["run", ...sshd.sshArgs, "-f", sshd.host, `cat ${fileOf(content)}`], { runtime });
  const { code, stdoutBytes } = await program.exit;
  assert.deepEqual([code, sha256(stdoutBytes)], [0, sha256(content)]);
});

test("A client that waits for a lost session is carried, and one that resets has left.", limits, () =>
  holdsOn(runtime),
);

function fileOf(content: Uint8Array): string {
  const path = join(tempDirectory("node"), "content");
  writeFileSync(path, content);
  return path;
}

test("Whoever waits for a plugin that never lets go waits on; a second Ctrl-C ends it with 130.", limits, async () => {
  const path = join(tempDirectory("node"), "clingy.mjs");
  writeFileSync(
    path,
    `export default { name: "clingy", about: "x", setup(host) {
      host.onDispose(() => { process.stderr.write("disposing\\n"); return new Promise(() => {}); });
      return (flow, next) => next();
    } };`,
  );
  const target = { host: "localhost", port: await freePort() };
  await using tunnel = await openTunnel(await theSshd(), [target], { runtime, args: ["--use", path] });
  tunnel.program.signal("SIGINT");
  await tunnel.program.stderr(/disposing/);
  tunnel.program.signal("SIGINT");
  assert.equal((await tunnel.program.exit).code, 130);
});
