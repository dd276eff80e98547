/**
 * -R after a lost session: the listeners come back by themselves, also where sshd still holds the port for the session
 * that was lost. A frozen sshd, whose connection was cut behind its back, holds it.
 */
import assert from "node:assert/strict";
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { type OpenSsh, opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import type { Porthop, PorthopEvent } from "../kit/porthop.ts";
import { gone, send } from "../kit/processes.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { cutBehind, startLine } from "./faulty-line.ts";
import { connectAt } from "./place.ts";
import { openRemoteSpecs } from "./remote-tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 90_000 };

/** The event of that forward's listener number `count`, from 1. */
function listening({ program }: { readonly program: Porthop }, count: number, forward = "R1") {
  const isOurs = (event: PorthopEvent) => event.event === "listening" && event.forward === forward;
  return program.event("listening", (event) => program.events.filter(isOurs)[count - 1] === event);
}

function listenings(program: Porthop): readonly unknown[] {
  return program.events.filter(({ event }) => event === "listening").map((event) => event["listen"]);
}

const warnings = (program: Porthop) => program.stderrText.match(/^porthop: warning: R\d: .*$/gm) ?? [];
const named = ({ version }: Pick<OpenSsh, "version">) => `OpenSSH ${version}`;

for (const openssh of opensshes()) {
  for (const end of ["SIGKILL", "SIGCONT"] as const) {
    const how = end === "SIGKILL" ? "dies" : "notices the loss";
    test(
      `A port that a stale session of ${named(openssh)} holds is listened on again once that session ${how}.`,
      limits,
      async () => {
        await using line = await startLine({ openssh });
        await using echo = await echoServer();
        const port = await freePort();
        await using tunnel = await openRemoteSpecs(line.login, [`${port}:127.0.0.1:${echo.port}`]);
        const { program } = tunnel;
        const frozen = cutBehind(line);
        const { forward, reason } = await program.event("forward.waiting");
        assert.equal(forward, "R1");
        assert.match(
          String(reason),
          new RegExp(`^the server does not listen on port ${port} again yet: .* still holds it .*ClientAliveInterval`),
        );
        send(frozen, end);
        assert.equal((await listening(tunnel, 2))["listen"], `localhost:${port}`);
        await gone(frozen);
        for (const host of ["127.0.0.1", "::1"]) assert.equal(await echoes(port, host), true, host);
        assert.equal(warnings(program).filter((text) => text.includes("most likely")).length, 1);
        assert.equal(program.events.filter(({ event }) => event === "forward.waiting").length, 1);
        assert.equal((await tunnel.stop()).code, 0);
      },
    );
  }
}

test(
  "A session that is lost for both sides costs no word: the ports are back at once, each time.",
  limits,
  async () => {
    await using line = await startLine();
    await using echo = await echoServer();
    const specs = [`0:127.0.0.1:${echo.port}`, `127.0.0.1:${await freePort()}:127.0.0.1:${echo.port}`];
    await using tunnel = await openRemoteSpecs(line.login, specs);
    const { program } = tunnel;
    const ports = [tunnel.port(0), tunnel.port(1)];
    for (let loss = 1; loss <= 4; loss++) {
      line.relay.cut();
      for (const forward of ["R1", "R2"]) await listening(tunnel, loss + 1, forward);
      for (const port of ports) assert.equal(await echoes(port), true);
    }
    assert.deepEqual(new Set(listenings(program)), new Set([`localhost:${ports[0]}`, `127.0.0.1:${ports[1]}`]));
    assert.deepEqual(
      program.stderrText.match(/^R1 .*$/gm)?.length,
      1,
      "one line for the forward, and not one per session",
    );
    assert.equal(program.events.filter(({ event }) => event === "forward.moved").length, 0);
  },
);

test("A port 0 forward whose number stays taken moves to another one after 10 s, and says so.", limits, async () => {
  // One address: on a second one, the chosen number may be somebody else's.
  await using line = await startLine({ config: ["AddressFamily inet"] });
  await using echo = await echoServer();
  await using tunnel = await openRemoteSpecs(line.login, [`0:127.0.0.1:${echo.port}`]);
  const { program } = tunnel;
  const was = tunnel.port();
  const frozen = cutBehind(line);
  const moved = await program.event("forward.moved", undefined, { timeoutMs: 60_000 });
  const port = Number(String(moved["listen"]).replace(/^.*:/, ""));
  assert.deepEqual([moved.forward, moved["was"], port === was], ["R1", `localhost:${was}`, false]);
  assert.equal((await listening(tunnel, 2))["listen"], `localhost:${port}`);
  assert.equal(await echoes(port), true);
  await program.stderr(new RegExp(`^R1 listening on localhost:${port} of the server \\(was ${was}\\)$`, "m"));
  send(frozen, "SIGKILL");
  await gone(frozen);
  line.relay.cut();
  assert.equal((await listening(tunnel, 3))["listen"], `localhost:${port}`, "the new number is the known one now");
});

test(
  "The file of a unix socket that sshd left behind is named as the reason, and removed by hand it is the cure.",
  limits,
  async () => {
    await using line = await startLine();
    await using echo = await echoServer();
    const path = join(tempDirectory("again"), "it.sock");
    await using tunnel = await openRemoteSpecs(line.login, [`${path}:127.0.0.1:${echo.port}`]);
    line.relay.cut();
    const { reason } = await tunnel.program.event("forward.waiting");
    assert.match(
      String(reason),
      /sshd left the file of the lost session there: remove it, or set StreamLocalBindUnlink yes/,
    );
    unlinkSync(path);
    await listening(tunnel, 2);
    await using client = await connectAt({ path });
    await client.send("hello");
    await client.got(5);
  },
);

test("With StreamLocalBindUnlink yes a unix socket is back at once.", limits, async () => {
  await using line = await startLine({ config: ["StreamLocalBindUnlink yes"] });
  await using echo = await echoServer();
  const path = join(tempDirectory("again"), "it.sock");
  await using tunnel = await openRemoteSpecs(line.login, [`${path}:127.0.0.1:${echo.port}`]);
  line.relay.cut();
  await listening(tunnel, 2);
  await using client = await connectAt({ path });
  await client.send("hello");
  await client.got(5);
  assert.equal(tunnel.program.events.filter(({ event }) => event === "forward.waiting").length, 0);
});

test(
  "A server that forbids it from now on is told of once, and the forward is back when it may again.",
  limits,
  async () => {
    await using line = await startLine();
    const { sshd } = line;
    await using echo = await echoServer();
    const port = await freePort();
    await using tunnel = await openRemoteSpecs(line.login, [`${port}:127.0.0.1:${echo.port}`]);
    const config = readFileSync(sshd.configFile, "utf8");
    await sshd.stop();
    writeFileSync(sshd.configFile, `AllowTcpForwarding no\n${config}`);
    await sshd.start();
    const { reason } = await tunnel.program.event("forward.waiting");
    assert.match(String(reason), /; asked again until it is free$/);
    await sshd.stop();
    writeFileSync(sshd.configFile, config);
    await sshd.start();
    await listening(tunnel, 2);
    assert.equal(await echoes(port), true);
    assert.equal(warnings(tunnel.program).length, 1);
  },
);

test(
  "A forward that was refused at first, and was no reason to end, is there with a later session.",
  limits,
  async () => {
    await using line = await startLine();
    await using echo = await echoServer();
    const holder = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => holder.listen(port, "localhost", resolve));
    const taken = [`127.0.0.1:${port}:127.0.0.1:${echo.port}`, `[::1]:${port}:127.0.0.1:${echo.port}`];
    const args = ["-o", "ExitOnForwardFailure=no"];
    await using tunnel = await openRemoteSpecs(line.login, taken, { args });
    const ready = await tunnel.program.event("ready");
    await new Promise((resolve) => holder.close(resolve));
    line.relay.cut();
    for (const forward of ["R1", "R2"]) {
      const isFirst = !(ready["forwards"] as string[]).includes(forward);
      await listening(tunnel, isFirst ? 1 : 2, forward);
    }
    for (const host of ["127.0.0.1", "::1"]) assert.equal(await echoes(port, host), true, host);
  },
);

test("GatewayPorts yes is heeded for each of several forwards that come back at the same time.", limits, async () => {
  await using line = await startLine({ config: ["GatewayPorts yes"] });
  await using echo = await echoServer();
  const ports = [await freePort(), await freePort(), await freePort()];
  const specs = ports.map((port) => `127.0.0.1:${port}:127.0.0.1:${echo.port}`);
  await using tunnel = await openRemoteSpecs(line.login, specs);
  line.relay.cut();
  for (const forward of ["R1", "R2", "R3"]) {
    assert.deepEqual(
      (await listening(tunnel, 2, forward))["addresses"],
      [],
      "on which addresses only the server knows",
    );
  }
});

test("A half that another program took meanwhile is seen and said, where porthop may ask.", limits, async () => {
  await using line = await startLine();
  await using echo = await echoServer();
  const port = await freePort();
  const args = ["--ask-server"];
  await using tunnel = await openRemoteSpecs(line.login, [`${port}:127.0.0.1:${echo.port}`], { args });
  assert.deepEqual(tunnel.addresses(), [`127.0.0.1:${port}`, `[::1]:${port}`]);
  await line.relay.refuse();
  line.relay.cut();
  const thief = createServer();
  await listenOnceFree(thief, port);
  await line.relay.listen();
  assert.deepEqual((await listening(tunnel, 2))["addresses"], [`[::1]:${port}`]);
  await tunnel.program.stderr(
    new RegExp(`warning: R1: the server listens on \\[::1\\]:${port} only, for 127.0.0.1:${port} was taken`),
  );
  await new Promise((resolve) => thief.close(resolve));
});

test("Of two sessions the first has the listeners, and they move to the other one when it dies.", limits, async () => {
  await using line = await startLine();
  await using echo = await echoServer();
  const args = ["--sessions", "2"];
  await using tunnel = await openRemoteSpecs(line.login, [`${await freePort()}:127.0.0.1:${echo.port}`], { args });
  const { program } = tunnel;
  await program.event("session", ({ state, ...event }) => state === "ready" && event["id"] === "S2");
  assert.equal(await echoes(tunnel.port()), true);
  // A flow of the other session goes on.
  assert.equal(line.relay.cut(1), 1);
  await listening(tunnel, 2);
  await using client = await connectTo(tunnel.port());
  await client.send("hello");
  await client.got(5);
  const sessionOf = async (flow: string) => {
    const { legs } = (await program.event("flow.open", (event) => event.flow === flow)) as unknown as {
      legs: readonly { readonly session?: string }[];
    };
    return legs[1]?.session;
  };
  assert.deepEqual([await sessionOf("R1#1"), await sessionOf("R1#2")], ["S1", "S2"]);
  await program.event("session", ({ state, ...event }) => state === "ready" && event["id"] === "S3");
  await client.send(" again");
  await client.got(11);
  assert.equal(listenings(program).length, 2, "the session in the place of the first one takes no listener");
});

/** sshd frees the port when it notices the loss. */
async function listenOnceFree(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
