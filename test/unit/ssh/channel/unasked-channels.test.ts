import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "ssh2";
import { AskedAddresses, tellUnasked } from "../../../../src/ssh/channel/unasked-channels.ts";

interface Info {
  readonly type: string;
  readonly data?: unknown;
}

/** A client that is shown what the server opens, as ssh2's own handler would be. */
function watch() {
  const passedOn: Info[] = [];
  const handlers = { CHANNEL_OPEN: (_self: unknown, info: Info) => void passedOn.push(info) };
  const client = { _protocol: { _handlers: handlers }, _acceptX11: 0 };
  const asked = new AskedAddresses();
  const told: string[] = [];
  tellUnasked(client as unknown as Client, asked, "vishnu:22", (text) => told.push(text));
  const open = (type: string, data?: unknown) => handlers.CHANNEL_OPEN(undefined, { type, data });
  return {
    ...{ client, asked, told, passedOn, open },
    tcp: (destIP: string, destPort: number) => open("forwarded-tcpip", { destIP, destPort }),
    unix: (socketPath: string) => open("forwarded-streamlocal@openssh.com", { socketPath }),
  };
}

test("What was asked for is nothing to tell, and all is passed on to ssh2.", () => {
  const { asked, told, passedOn, open, tcp, unix } = watch();
  asked.add({ host: "localhost", port: 9000 }, "R1");
  asked.add({ path: "/run/a.sock" }, "R2");
  tcp("localhost", 9000);
  unix("/run/a.sock");
  open("session");
  open("nonsense");
  assert.deepEqual(told, []);
  tcp("localhost", 9001);
  assert.deepEqual(
    passedOn.map(({ type }) => type),
    ["forwarded-tcpip", "forwarded-streamlocal@openssh.com", "session", "nonsense", "forwarded-tcpip"],
  );
});

test("An address that no forward asked for is told once, with the forward that was most likely meant.", () => {
  const { asked, told, tcp, unix } = watch();
  asked.add({ host: "localhost", port: 9000 }, "R1");
  asked.add({ host: "", port: 80 }, "R2");
  asked.add({ path: "/run/a.sock" }, undefined);
  for (let times = 0; times < 3; times++) {
    tcp("0.0.0.0", 9000);
    tcp("", 80);
    tcp("localhost", 81);
    unix("/run/b.sock");
  }
  assert.deepEqual(told, [
    "vishnu:22 has a connection for 0.0.0.0:9000, which no forward asked for: refused; R1 asked for localhost:9000",
    "vishnu:22 has a connection for localhost:81, which no forward asked for: refused; R1 asked for localhost:9000, R2 asked for *:80",
    "vishnu:22 has a connection for /run/b.sock, which no forward asked for: refused; one asked for /run/a.sock",
  ]);
});

test("A server that makes up addresses is told of a few times, and its text is shown escaped.", () => {
  const { told, tcp, unix } = watch();
  unix("\u001b[2J");
  for (let port = 1; port < 5000; port++) tcp("x".repeat(5000), port);
  assert.equal(told.length, 5);
  assert.equal(told[0], "vishnu:22 has a connection for \\x1b[2J, which no forward asked for: refused");
  assert.ok(told.every((text) => text.length < 400));
  assert.equal(told[4], "vishnu:22 has more that no forward asked for: not told");
});

test("X11 and the agent are told once each when they were not asked for, whatever else was told.", () => {
  const { client, told, open, tcp } = watch();
  client._acceptX11 = 1;
  open("x11");
  assert.deepEqual(told, []);
  client._acceptX11 = 0;
  for (let port = 1; port < 10; port++) tcp("localhost", port);
  for (const type of ["x11", "auth-agent@openssh.com", "x11", "auth-agent@openssh.com"]) open(type);
  const refused = "which it was not asked for: refused; this is probably an attack by a malicious server";
  assert.deepEqual(told.slice(5), [
    `vishnu:22 tried X11 forwarding, ${refused}`,
    `vishnu:22 tried agent forwarding, ${refused}`,
  ]);
});
