import assert from "node:assert/strict";
import { test } from "node:test";
import { askListening, askServerListening } from "../../../src/wizard/listening-questions.ts";
import type { Facts } from "../../../src/wizard/question.ts";
import { played } from "../../kit/asking.ts";

const facts: Facts = { here: "brahma", home: "/home/anna", hosts: [] };
const web = { host: "localhost", port: 80 };

test("Only this machine is what Enter takes, and it means both loopback addresses.", () => {
  const { asked, result } = played(askListening("web", web, facts), ["me", "8080"]);
  assert.deepEqual(result, { bind: undefined, port: 8080 });
  const [who, port] = asked;
  assert.equal(who?.usual, "me");
  assert.ok(port?.kind === "entry");
  assert.deepEqual([port.usual, port.listensOn], ["8080", "localhost"]);
});

test("Other machines are let in only after the risk was said.", () => {
  for (const [what, risk] of [
    ["web", /no password/],
    ["socks", /an open proxy into the server's network/],
    ["docker", /root on the server/],
  ] as const) {
    const { asked, result } = played(askListening(what, web, facts), ["network", "8080"]);
    assert.deepEqual(result, { bind: "*", port: 8080 });
    assert.match(asked[0]?.about.join(" ") ?? "", risk);
    assert.ok(asked[1]?.kind === "entry" && asked[1].listensOn === "*");
  }
});

test("A socket gets a socket of the user's own, if nothing else is wanted.", () => {
  const socket = { path: "/var/run/docker.sock" };
  const { asked, result } = played(askListening("docker", socket, facts), ["file", "/tmp/d.sock"]);
  assert.deepEqual(result, { path: "/tmp/d.sock" });
  assert.deepEqual([asked[0]?.usual, asked[1]?.usual], ["file", "/home/anna/docker.sock"]);
  assert.equal(played(askListening("docker", socket, facts), ["me", "2375"]).asked[1]?.usual, "2375");
});

test("Below 1024 there is a warning, here and on the server.", () => {
  for (const { asked } of [
    played(askListening("web", web, facts), ["me", "80"]),
    played(askServerListening(web, "vishnu"), ["server", "80"]),
  ]) {
    const port = asked[1];
    assert.ok(port?.kind === "entry");
    assert.match(port.warn?.("1023") ?? "", /below 1024/);
    assert.equal(port.warn?.("1024"), undefined);
  }
});

test("On the server the port is not tried here, and GatewayPorts is said to whoever lets others in.", () => {
  const { asked, result } = played(askServerListening(web, "vishnu"), ["network", "8080"]);
  assert.deepEqual(result, { bind: "*", port: 8080 });
  assert.match(asked[0]?.about.join(" ") ?? "", /GatewayPorts clientspecified/);
  assert.ok(asked[1]?.kind === "entry" && asked[1].listensOn === undefined);
  assert.equal(played(askServerListening(undefined, "vishnu"), ["server", "1080"]).asked[1]?.usual, "1080");
});
