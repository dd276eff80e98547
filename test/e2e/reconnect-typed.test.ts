/** Logins that a person types, when their connection is lost while the question is open: it is asked anew, and once. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { gone } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const login = { user: "alice", password: "s3cret" } as const;
const asAlice = ["-o", "PubkeyAuthentication=no", "-l", login.user];
const question = "alice@127.0.0.1's password: ";

test("The password that is typed after a loss goes to the connection that is there, and is not shown.", {
  skip: need("script", "stty", "sh"),
  timeout: 60_000,
}, async () => {
  await using server = await startSshServer(login);
  await using target = await echoServer();
  const port = await freePort();
  const forward = `${port}:127.0.0.1:${target.port}`;
  const { command, env, cwd } = launch(["run", "-L", forward, ...asAlice, ...server.sshArgs, server.host]);
  await using screen = pty(command, { env, cwd, columns: 200 });
  await screen.screen(/password: /);
  let after = screen.send("s3cret\r");
  await screen.screen(/ready/, { after });
  server.drop();
  await screen.screen(/password: /, { after });
  after = screen.raw.length;
  // The question is open when its connection is lost.
  server.drop();
  await screen.screen(/password: /, { after });
  assert.ok(screen.text.includes(`\n${question}\r\nporthop: warning: `), screen.text);
  screen.send("s3cret\r");
  await screen.screen(/connected again/, { after });
  assert.equal(await echoes(port), true);
  assert.doesNotMatch(screen.text, /s3cret/);
  assert.equal(screen.text.split(question).length - 1, 3, "it was asked once for each connection");
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
});

test("No window of SSH_ASKPASS stays open for a connection that is lost.", { timeout: 60_000 }, async () => {
  await using server = await startSshServer(login);
  await using target = await echoServer();
  const folder = tempDirectory("askpass");
  const [program, waiting, pid] = ["askpass", "wait", "pid"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const body = `if [ -e ${waiting} ]; then rm ${waiting}; echo $$ > ${pid}; exec sleep 300; fi; echo s3cret`;
  writeFileSync(program, `#!/bin/sh\n${body}\n`);
  chmodSync(program, 0o755);
  const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" };
  await using tunnel = await openTunnel(server, [target], { args: asAlice, env });
  writeFileSync(waiting, "");
  server.drop();
  while (!existsSync(pid) || readFileSync(pid, "utf8") === "") await new Promise((resolve) => setTimeout(resolve, 10));
  server.drop();
  await gone([Number(readFileSync(pid, "utf8"))]);
  assert.equal(await echoes(tunnel.port), true);
  assert.equal((await tunnel.stop()).code, 0);
});
