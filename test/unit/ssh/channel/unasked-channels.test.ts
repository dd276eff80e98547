import assert from "node:assert/strict";
import { test } from "node:test";
import { AskedAddresses, tellUnasked } from "../../../../src/ssh/channel/unasked-channels.ts";
import type { OpenedChannel } from "../../../../src/ssh/ssh2/channel-opening.ts";

/** Looks at what the test has the server open. Somebody wants what comes over forwards, asked for or not. */
function watch() {
  const asked = new AskedAddresses();
  const told: string[] = [];
  const watchers: ((opened: OpenedChannel) => void)[] = [];
  const ports = { watchChannelOpens: (look: (opened: OpenedChannel) => void) => void watchers.push(look) };
  tellUnasked(ports, asked, "vishnu:22", (text) => told.push(text));
  const open = (type: string, { data = {}, isWanted = false }: Partial<OpenedChannel> = {}) => {
    for (const look of watchers) look({ type, data, isWanted });
  };
  return {
    ...{ asked, told, open },
    tcp: (destIP: string, destPort: number) => open("forwarded-tcpip", { data: { destIP, destPort }, isWanted: true }),
    unix: (socketPath: string) => open("forwarded-streamlocal@openssh.com", { data: { socketPath }, isWanted: true }),
  };
}

test("What was asked for is nothing to tell, nor is what goes to no forward.", () => {
  const { asked, told, open, tcp, unix } = watch();
  asked.add({ host: "localhost", port: 9000 }, "R1");
  asked.add({ path: "/run/a.sock" }, "R2");
  tcp("localhost", 9000);
  unix("/run/a.sock");
  open("session");
  open("nonsense");
  assert.deepEqual(told, []);
});

test("Where a server leaves the address out that is told as well, as all addresses or none.", () => {
  const { told, open } = watch();
  open("forwarded-tcpip", { isWanted: true });
  open("forwarded-streamlocal@openssh.com", { isWanted: true });
  assert.deepEqual(told, [
    "vishnu:22 has a connection for *:0, which no forward asked for: refused",
    "vishnu:22 has a connection for , which no forward asked for: refused",
  ]);
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
  const { told, open, tcp } = watch();
  open("x11", { isWanted: true });
  assert.deepEqual(told, []);
  for (let port = 1; port < 10; port++) tcp("localhost", port);
  for (const type of ["x11", "auth-agent@openssh.com", "x11", "auth-agent@openssh.com"]) open(type);
  const refused = "which it was not asked for: refused; this is probably an attack by a malicious server";
  assert.deepEqual(told.slice(5), [
    `vishnu:22 tried X11 forwarding, ${refused}`,
    `vishnu:22 tried agent forwarding, ${refused}`,
  ]);
});
