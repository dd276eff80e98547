import assert from "node:assert/strict";
import { test } from "node:test";
import { splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { firstUse } from "../../../src/wizard/first-use.ts";
import { relayPlan, tunnelPlan } from "../../../src/wizard/plan.ts";

const server = { user: undefined, host: "vishnu", port: undefined };
const listen = { bind: undefined, port: 1080 };
const web = { host: "localhost", port: 443 };

test("For a proxy it says how Firefox, Chromium, curl and git are told of it.", () => {
  const use = firstUse(
    tunnelPlan(server, { kind: "dynamic", side: "here", listen, connect: undefined }, undefined, {}),
    "brahma",
  );
  assert.equal(use?.where, "Then, on brahma");
  for (const program of [
    /Firefox/,
    /chromium --proxy-server=socks5:/,
    /curl -x socks5h:/,
    /git -c http.proxy=socks5h:/,
  ]) {
    assert.ok(
      use?.lines.some((line) => program.test(line)),
      String(program),
    );
  }
  assert.ok(use?.lines.some((line) => line.includes("Port 1080")));
});

test("What listens on the server is used on the server.", () => {
  const back = tunnelPlan(
    server,
    { kind: "reverse-dynamic", side: "server", listen, connect: undefined },
    undefined,
    {},
  );
  assert.equal(firstUse(back, "brahma")?.where, "Then, on vishnu");
  const shown = tunnelPlan(server, { kind: "remote", side: "server", listen, connect: web }, "web", {});
  const use = firstUse(shown, "brahma");
  assert.deepEqual([use?.where, use?.lines[0]], ["Then, on vishnu", "open https://localhost:1080/ in a browser"]);
});

test("A service that nobody knows, and a relay, are connected to.", () => {
  const other = tunnelPlan(server, { kind: "local", side: "here", listen, connect: web }, "other", {});
  assert.deepEqual(firstUse(other, "brahma")?.lines, ["connect to localhost:1080"]);
  const relay = relayPlan({ kind: "local", side: "here", listen, connect: web }, {});
  assert.deepEqual(firstUse(relay, "brahma")?.lines, ["connect to localhost:1080"]);
});

test("The path of a socket is one word of the command, whatever is in it.", () => {
  const connect = { path: "/var/run/docker.sock" };
  const plan = tunnelPlan(
    server,
    { kind: "local", side: "here", listen: { path: "/tmp/a 'b" }, connect },
    "docker",
    {},
  );
  const [line = ""] = firstUse(plan, "brahma")?.lines ?? [];
  assert.deepEqual(splitShellWords(line), ["docker", "-H", "unix:///tmp/a 'b", "ps"]);
});

test("Where other machines may connect too it says what they write in place of localhost.", () => {
  const open = { bind: "*", port: 8080 };
  const here = tunnelPlan(server, { kind: "local", side: "here", listen: open, connect: web }, "web", {});
  assert.equal(firstUse(here, "brahma")?.lines.at(-1), "from other machines: write brahma in place of localhost");
  const there = tunnelPlan(
    server,
    { kind: "reverse-dynamic", side: "server", listen: open, connect: undefined },
    undefined,
    {},
  );
  assert.equal(firstUse(there, "brahma")?.lines.at(-1), "from other machines: write vishnu in place of 127.0.0.1");
});
