/** ssh's ways to write flags: attached, in groups, after the destination, ended by `--`; each does what it says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";

builtExecutable();
const limits = { timeout: 60_000 };
const theServer = shared(() => startSshServer());
const theTarget = shared(() => echoServer());

/** LISTEN is the port to listen on, TARGET the target's, SSHD the server's. */
for (const words of [
  ["-L", "LISTEN:127.0.0.1:TARGET", "-p", "SSHD", "alice@127.0.0.1"],
  ["-LLISTEN:127.0.0.1:TARGET", "-pSSHD", "-lalice", "127.0.0.1"],
  ["-NTL", "LISTEN:127.0.0.1:TARGET", "-vpSSHD", "alice@127.0.0.1"],
  ["-NLLISTEN:127.0.0.1:TARGET", "-nNTaxpSSHD", "alice@127.0.0.1"],
  ["-vN", "-4NL", "LISTEN:127.0.0.1:TARGET", "-qp", "SSHD", "alice@127.0.0.1"],
  ["alice@127.0.0.1", "-pSSHD", "-LLISTEN:127.0.0.1:TARGET"],
  ["-pSSHD", "alice@127.0.0.1", "-N", "-L", "LISTEN:127.0.0.1:TARGET"],
  ["alice@127.0.0.1", "-LLISTEN:127.0.0.1:TARGET", "-oPort=SSHD"],
  ["-LLISTEN:127.0.0.1:TARGET", "-o", "port SSHD", "alice@127.0.0.1"],
  ["-LLISTEN:127.0.0.1:TARGET", "-o", "PoRt=SSHD", "-o", "Port=1", "alice@127.0.0.1"],
  ["-pSSHD", "-LLISTEN:127.0.0.1:TARGET", "--", "alice@127.0.0.1"],
  ["-LLISTEN:127.0.0.1:TARGET", "alice@127.0.0.1:SSHD"],
  ["-LLISTEN:127.0.0.1:TARGET", "ssh://alice@127.0.0.1:SSHD"],
  ["-L", "127.0.0.1:LISTEN:127.0.0.1:TARGET", "-pSSHD", "alice@127.0.0.1"],
  ["-L", "127.0.0.1/LISTEN/127.0.0.1/TARGET", "-pSSHD", "alice@127.0.0.1"],
  ["-L", "[127.0.0.1]:LISTEN:[127.0.0.1]:TARGET", "-pSSHD", "alice@127.0.0.1"],
]) {
  test(`porthop run ${words.join(" ")}`, limits, async () => {
    const server = await theServer();
    const target = await theTarget();
    const listen = await freePort();
    const known = ["-o", `UserKnownHostsFile=${server.knownHostsFile}`, "-F", "none"];
    const ports = { LISTEN: listen, TARGET: target.port, SSHD: server.port };
    const filled = words.map((word) =>
      Object.entries(ports).reduce((text, [name, port]) => text.replaceAll(name, String(port)), word),
    );
    await using program = porthop(["run", "--json", ...known, ...filled]);
    const session = await program.event("session", ({ state }) => state === "ready");
    assert.deepEqual([session["user"], session["port"]], ["alice", server.port]);
    const up = await program.event("listening");
    assert.deepEqual([up["listen"], up["connect"]], [`127.0.0.1:${listen}`, `127.0.0.1:${target.port}`]);
    await program.event("ready");
  });
}

test("A port that is attached is a number, and a user that is attached is text.", limits, async () => {
  const server = await theServer();
  const known = ["-o", `UserKnownHostsFile=${server.knownHostsFile}`, "-F", "none"];
  const forward = `-L${await freePort()}:a:1`;
  await using program = porthop(["run", "--json", ...known, `-p0${server.port}`, "-l1e3", forward, "127.0.0.1"]);
  const session = await program.event("session");
  assert.deepEqual([session["port"], session["user"]], [server.port, "1e3"]);
});

for (const [words, message] of [
  [["-vNs", "-L1:a:1", "host", "sftp"], "-s: an earlier word asks for another session (none)"],
  [["-vNSp1", "-L1:a:1", "host"], "porthop does not have ssh's flag -S (-S p1): no connection is shared with ssh"],
  [["-L1:a:1", "-N"], "no destination: whom to log in to, [user@]host[:port]"],
  [["-L1:a:1", "host", "-p"], "-p needs a value"],
] as const) {
  test(`porthop run ${words.join(" ")} is wrong usage.`, limits, async () => {
    await using program = porthop(["run", ...words]);
    const { code, stderr, stdout } = await program.exit;
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(stderr.split("\n")[0], `porthop: ${message} [usage]`);
  });
}
