/**
 * Channels of the server that nobody asked for: ssh refuses them and warns, and so does porthop, once for each. The server
 * is a made one, for a real one has no such manners.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { type HostileSsh, hostileSsh, text, uint32 } from "../kit/hostile-ssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";

builtExecutable();
const limits = { skip: need("ssh"), timeout: 60_000 };
const numbers = [uint32(2_000_000), uint32(32_768)];
const originator = [text("192.0.2.9"), uint32(4000)];

interface Open {
  readonly type: string;
  readonly data: readonly Uint8Array[];
}

const tcp = (host: string, port: number): Open => ({
  type: "forwarded-tcpip",
  data: [text(host), uint32(port), ...originator],
});
const unix = (path: string): Open => ({ type: "forwarded-streamlocal@openssh.com", data: [text(path), text("")] });

const x11: Open = { type: "x11", data: originator };
const agent: Open = { type: "auth-agent@openssh.com", data: [] };

/** Opens these, all of them twice, as soon as it is asked to listen, and says goodbye. */
function opening(opens: readonly Open[]): Promise<HostileSsh> {
  return hostileSsh({
    listens(peer) {
      for (const [index, { type, data }] of [...opens, ...opens].entries()) {
        peer.send(90, text(type), uint32(index), ...numbers, ...data);
      }
      peer.send(1, uint32(11), text("bye"), text(""));
    },
  });
}

/** What both say to the same server. */
async function both(opens: readonly Open[], forward: string) {
  await using server = await opening(opens);
  const words = [...server.sshArgs, "-N", "-R", forward, server.host];
  // ssh takes none for a file of that name.
  const ssh = await run("ssh", ["-o", "UserKnownHostsFile=/dev/null", ...words]);
  await using program = porthop(["run", "--json", "--reconnect", "never", ...words]);
  const { stderr } = await program.exit;
  const warnings = [...stderr.matchAll(/^porthop: warning: 127\.0\.0\.1:\d+ (.*)$/gm)].map(([, warning]) => warning);
  return {
    sshWarnings: ssh.stderr.match(/^(WARNING: Server requests|Warning: ssh server tried).*$/gm) ?? [],
    warnings,
  };
}

test(
  "Connections for another address than the forward's were refused in silence: it is said, as ssh warns.",
  limits,
  async () => {
    const opens = [tcp("0.0.0.0", 9000), tcp("", 9000), tcp("localhost", 9001), unix("/run/a.sock")];
    const { sshWarnings, warnings } = await both(opens, "9000:127.0.0.1:1");
    assert.equal(sshWarnings.length, 8, sshWarnings.join("\n"));
    const refused = "which no forward asked for: refused";
    assert.deepEqual(warnings, [
      `has a connection for 0.0.0.0:9000, ${refused}; R1 asked for localhost:9000`,
      `has a connection for *:9000, ${refused}; R1 asked for localhost:9000`,
      `has a connection for localhost:9001, ${refused}; R1 asked for localhost:9000`,
      `has a connection for /run/a.sock, ${refused}`,
    ]);
  },
);

test("A connection for another unix socket than the forward's is refused and said.", limits, async () => {
  const { sshWarnings, warnings } = await both([unix("/run/b.sock"), unix("/run//a.sock")], "/run/a.sock:127.0.0.1:1");
  assert.equal(sshWarnings.length, 4, sshWarnings.join("\n"));
  const refused = "which no forward asked for: refused; R1 asked for /run/a.sock";
  assert.deepEqual(warnings, [
    `has a connection for /run/b.sock, ${refused}`,
    `has a connection for /run//a.sock, ${refused}`,
  ]);
});

test("A server that tries X11 or the agent without being asked is told of, as by ssh.", limits, async () => {
  const { sshWarnings, warnings } = await both([x11, agent], "9000:127.0.0.1:1");
  assert.equal(sshWarnings.length, 4, sshWarnings.join("\n"));
  const refused = "which it was not asked for: refused; this is probably an attack by a malicious server";
  assert.deepEqual(warnings, [`tried X11 forwarding, ${refused}`, `tried agent forwarding, ${refused}`]);
});

test("A connection for the very address that was asked for is carried, and nothing is said.", limits, async () => {
  await using server = await hostileSsh({
    listens: (peer) => peer.send(90, text("forwarded-tcpip"), uint32(1), ...numbers, ...tcp("localhost", 9000).data),
  });
  await using program = porthop(["run", "--json", ...server.sshArgs, "-R", "9000:127.0.0.1:1", server.host]);
  await program.event("flow.close");
  program.signal("SIGTERM");
  assert.doesNotMatch((await program.exit).stderr, /asked for/);
});
