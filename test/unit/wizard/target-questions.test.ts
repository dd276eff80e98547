import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { type Facts, flawIn } from "../../../src/wizard/question.ts";
import { reachable } from "../../../src/wizard/services.ts";
import {
  askServer,
  askService,
  askTarget,
  askTargetAddress,
  checkSocketPath,
} from "../../../src/wizard/target-questions.ts";
import { played } from "../../kit/asking.ts";

const facts: Facts = { here: "brahma", home: "/home/anna", hosts: ["web"] };

function service(value: string) {
  const found = reachable.find((each) => each.value === value);
  assert.ok(found !== undefined);
  return found;
}

test("The services are asked for by what they are, with their ports as a hint.", () => {
  const { asked, result } = played(askService("reach"), ["vnc"]);
  assert.equal(result.value, "vnc");
  const [question] = asked;
  assert.ok(question?.kind === "choice");
  assert.equal(question.options.find(({ value }) => value === "vnc")?.hint, "port 5900");
  assert.equal(question.options.find(({ value }) => value === "other")?.hint, undefined);
});

test("Without hosts in the configuration the server is typed at once.", () => {
  const { asked, result } = played(askServer({ ...facts, hosts: [] }), ["alice@[::1]:2222"]);
  assert.deepEqual([asked.length, result], [1, { user: "alice", host: "::1", port: 2222 }]);
  const { result: known } = played(askServer(facts), ["host web"]);
  assert.deepEqual(known, { user: undefined, host: "web", port: undefined });
  const odd = { ...facts, hosts: ["aws:22"] };
  assert.equal(played(askServer(odd), ["other", "me@aws:22"]).result?.host, "aws:22");
});

test("localhost is the machine whose view counts, and another machine is named as it is known there.", () => {
  assert.deepEqual(played(askTarget(service("redis"), "vishnu"), ["itself", "6379"]).result, {
    host: "localhost",
    port: 6379,
  });
  const { asked, result } = played(askTarget(service("redis"), "vishnu"), ["elsewhere", "cache", "6380"]);
  assert.deepEqual(result, { host: "cache", port: 6380 });
  assert.match(asked[1]?.about.join(" ") ?? "", /as vishnu knows it/);
  const { asked: here } = played(askTarget(service("redis"), "brahma", true), ["itself", "6379"]);
  assert.match(JSON.stringify(here[0]), /this machine itself/);
});

test("SSH to a second server is usually on another machine, and a socket never is.", () => {
  assert.equal(played(askTarget(service("ssh"), "vishnu"), ["itself", "22"]).asked[0]?.usual, "elsewhere");
  const { asked, result } = played(askTarget(service("docker"), "vishnu"), ["/run/docker.sock"]);
  assert.deepEqual([asked.length, result], [1, { path: "/run/docker.sock" }]);
});

test("Of several ports one is picked, or another one is typed.", () => {
  assert.deepEqual(played(askTarget(service("imap"), "vishnu"), ["itself", "143"]).result, {
    host: "localhost",
    port: 143,
  });
  assert.deepEqual(played(askTarget(service("imap"), "vishnu"), ["itself", "other", "1430"]).result, {
    host: "localhost",
    port: 1430,
  });
});

test("A relay asks for machine and port.", () => {
  assert.deepEqual(played(askTargetAddress(), ["intranet", "80"]).result, { host: "intranet", port: 80 });
});

test("The path of a socket is absolute, short and visible, whatever else is in it.", () => {
  for (const good of ["/run/x.sock", "/a b", "/a:b", "/[x]", "/a\\b", "/1/2/3/4"]) checkSocketPath(good);
  for (const bad of ["", "x", "./x", "/a\nb", `/${"x".repeat(107)}`]) {
    assert.throws(() => checkSocketPath(bad), Malformed);
  }
});

test("An IPv6 address may stand in brackets.", () => {
  assert.deepEqual(played(askTargetAddress(), ["[fd00::7]", "80"]).result, { host: "fd00::7", port: 80 });
});

for (const [typed, says] of [
  ["http://intranet/page", /without http:/],
  ["intranet:80", /port is asked for next/],
  ["[fd00::7]:80", /port is asked for next/],
] as const) {
  test(`${typed} in place of a machine's name is refused with what is too much.`, () => {
    const [question] = played(askTargetAddress(), ["intranet", "80"]).asked;
    assert.ok(question !== undefined);
    assert.match(flawIn(question, typed) ?? "", says);
  });
}

test("ssh alice@server in place of the server is no user with a blank in the name.", () => {
  const [question] = played(askServer({ ...facts, hosts: [] }), ["alice@server"]).asked;
  assert.ok(question !== undefined);
  assert.match(flawIn(question, "ssh alice@server") ?? "", /without the word ssh/);
});
