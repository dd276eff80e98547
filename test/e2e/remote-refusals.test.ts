/** What a server does not let -R do, or does otherwise than asked: told with the server, the address, and the cure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { assertFails } from "./failure.ts";
import { openRemoteSpecs } from "./remote-tunnel.ts";
import { lostForGood } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };
const linux = {
  ...limits,
  skip: missing || (process.platform !== "linux" && "needs Linux's /proc/net/tcp and 127.0.0.2"),
};
const theSshd = shared(() => startSshd());

test(
  "A port that is taken on the server is told with the server, and how to tell it from one that is forbidden.",
  limits,
  async () => {
    await using taken = await echoServer();
    const sshd = await theSshd();
    await assertFails(["-R", `127.0.0.1:${taken.port}:localhost:9`, ...sshd.sshArgs, sshd.host], {
      exit: 255,
      code: "forward.refused",
      leg: 1,
      says: [`the server 127.0.0.1:${sshd.port}`, `127.0.0.1:${taken.port}`],
      hint: /taken.*ss -ltn.*AllowTcpForwarding, PermitListen/,
    });
  },
);

for (const config of [
  "AllowTcpForwarding no",
  "AllowTcpForwarding local",
  "DisableForwarding yes",
  "PermitListen 127.0.0.1:1",
  "PermitListen none",
]) {
  test(`${config} is a refusal that names it as one of the reasons.`, limits, async () => {
    await using sshd = await startSshd({ config: [config] });
    await assertFails(["-R", `${await freePort()}:localhost:9`, ...sshd.sshArgs, sshd.host], {
      exit: 255,
      code: "forward.refused",
      leg: 1,
      says: [`the server 127.0.0.1:${sshd.port}`, "localhost:"],
      hint: new RegExp(config.split(" ")[0] ?? ""),
    });
  });
}

test("PermitListen lets through what it names.", limits, async () => {
  const port = await freePort();
  await using sshd = await startSshd({ config: [`PermitListen localhost:${port}`] });
  await using echo = await echoServer();
  await using _tunnel = await openRemoteSpecs(sshd, [`${port}:127.0.0.1:${echo.port}`]);
  assert.equal(await echoes(port), true);
});

test("With ExitOnForwardFailure=no a refusal is told, and the others go on.", limits, async () => {
  await using echo = await echoServer();
  const sshd = await theSshd();
  const specs = [`127.0.0.1:${echo.port}:localhost:9`, `${await freePort()}:127.0.0.1:${echo.port}`];
  await using tunnel = await openRemoteSpecs(sshd, specs, {
    args: ["-o", "ExitOnForwardFailure=no"],
  });
  const { code, hint } = await tunnel.program.event("error");
  assert.deepEqual([code, typeof hint], ["forward.refused", "string"]);
  assert.deepEqual((await tunnel.program.event("ready"))["forwards"], ["R2"]);
  assert.equal(await echoes(tunnel.port()), true);
});

test("An sshd that dies as soon as the session stands is a lost session, and no refused forward.", limits, async () => {
  await using sshd = await startSshd();
  await using program = porthop(["run", "--json", ...lostForGood, "-R", "0:localhost:9", ...sshd.sshArgs, sshd.host]);
  await program.event("session", ({ state }) => state === "ready");
  await sshd.kill();
  const exit = await program.exit;
  assert.equal(exit.code, 255);
  assert.equal((await program.event("error")).code, "ssh.lost");
});

interface Gateway {
  readonly setting: "no" | "yes" | "clientspecified";
  readonly bind: string;
  /** Who of this machine's addresses leads through. */
  readonly reached: readonly string[];
  /** As the event has them, without the port. */
  readonly addresses: readonly string[];
  readonly warning: RegExp | undefined;
}

const loopback = ["127.0.0.1", "::1"];
const all = ["127.0.0.1", "127.0.0.2", "::1"];
const open = /^porthop: warning: R1: others can connect to it: the server listens on .*$/m;
const openToo = /^porthop: warning: R1: others can connect to it: .* not only on .*"GatewayPorts clientspecified"/m;
const closed = /^porthop: warning: R1: only the server itself can connect to it: .*"GatewayPorts clientspecified"/m;

const gateways: readonly Gateway[] = [
  { setting: "no", bind: "", reached: loopback, addresses: ["127.0.0.1", "[::1]"], warning: undefined },
  { setting: "no", bind: "*:", reached: loopback, addresses: ["127.0.0.1", "[::1]"], warning: closed },
  { setting: "no", bind: ":", reached: loopback, addresses: ["127.0.0.1", "[::1]"], warning: closed },
  { setting: "no", bind: "127.0.0.2:", reached: loopback, addresses: ["127.0.0.1", "[::1]"], warning: closed },
  { setting: "no", bind: "[::1]:", reached: ["::1"], addresses: ["[::1]"], warning: undefined },
  { setting: "yes", bind: "", reached: all, addresses: ["*"], warning: openToo },
  { setting: "yes", bind: "127.0.0.1:", reached: all, addresses: ["*"], warning: openToo },
  { setting: "yes", bind: "*:", reached: all, addresses: ["*"], warning: open },
  { setting: "clientspecified", bind: "", reached: loopback, addresses: ["127.0.0.1", "[::1]"], warning: undefined },
  {
    setting: "clientspecified",
    bind: "localhost:",
    reached: loopback,
    addresses: ["127.0.0.1", "[::1]"],
    warning: undefined,
  },
  { setting: "clientspecified", bind: "*:", reached: all, addresses: ["*"], warning: open },
  { setting: "clientspecified", bind: ":", reached: all, addresses: ["*"], warning: open },
  {
    setting: "clientspecified",
    bind: "127.0.0.2:",
    reached: ["127.0.0.2"],
    addresses: ["127.0.0.2"],
    warning: undefined,
  },
];

for (const setting of ["no", "yes", "clientspecified"] as const) {
  const cases = gateways.filter((gateway) => gateway.setting === setting);
  test(
    `With GatewayPorts ${setting} what became of each bind address is shown, and said where it matters.`,
    linux,
    async () => {
      await using sshd = await startSshd({ config: [`GatewayPorts ${setting}`] });
      await using echo = await echoServer();
      for (const { bind, reached, addresses, warning } of cases) {
        const args = ["--ask-server"];
        await using tunnel = await openRemoteSpecs(sshd, [`${bind}${await freePort()}:127.0.0.1:${echo.port}`], {
          args,
        });
        const port = tunnel.port();
        assert.deepEqual(await reachable(port), reached, bind);
        assert.deepEqual(
          tunnel.addresses(),
          addresses.map((host) => `${host}:${port}`),
          bind,
        );
        const { stderr } = await tunnel.stop();
        assert.equal(stderr.match(/warning/g)?.length ?? 0, warning === undefined ? 0 : 1, stderr);
        if (warning !== undefined) assert.match(stderr, warning);
      }
    },
  );
}

test(
  "Without --ask-server nothing is asked: what GatewayPorts may have made of a bind address is a doubt.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using tunnel = await openRemoteSpecs(sshd, ["*:0:127.0.0.1:9"]);
    const { stderr } = await tunnel.stop();
    assert.match(
      stderr,
      /^porthop: warning: R1: others can connect to it, unless its sshd_config says "GatewayPorts no"/m,
    );
    assert.doesNotMatch(sshd.log(), /Starting session/);
  },
);

/** Which of this machine's addresses lead through a forward. */
async function reachable(port: number): Promise<string[]> {
  const found: string[] = [];
  for (const host of all) {
    if (await echoes(port, host).catch(() => false)) found.push(host);
  }
  return found;
}
