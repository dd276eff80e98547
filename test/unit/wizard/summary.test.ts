import assert from "node:assert/strict";
import { test } from "node:test";
import { splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";
import { nextStep } from "../../../src/wizard/conversation.ts";
import { ownWords, type Plan } from "../../../src/wizard/plan.ts";
import type { Facts } from "../../../src/wizard/question.ts";
import { summary } from "../../../src/wizard/summary.ts";

const facts: Facts = { here: "brahma", home: "/home/anna", hosts: [] };
const place = { here: "brahma", loopback: "lo", program: "porthop" };

function planAfter(answers: readonly string[]): Plan {
  const step = nextStep(answers, facts);
  assert.ok("plan" in step);
  return step.plan;
}

const plans: Readonly<Record<string, Plan>> = {
  web: planAfter(["reach", "web", "alice@vishnu:2222", "itself", "80", "me", "8080", "none"]),
  captured: planAfter(["reach", "web", "vishnu", "itself", "80", "network", "80", "capture", "a.pcap", "none"]),
  docker: planAfter(["reach", "docker", "vishnu", "/var/run/docker.sock", "file", "/tmp/d.sock", "none"]),
  shown: planAfter(["show", "web", "itself", "3000", "vishnu", "network", "8080", "none"]),
  socks: planAfter(["socks", "vishnu", "me", "1080", "none"]),
  back: planAfter(["reverse-socks", "vishnu", "server", "1080", "none"]),
  relay: planAfter(["relay", "intranet", "80", "me", "8080", "none"]),
};

function linesOf(plan: Plan | undefined, title: RegExp, columns = 77): readonly string[] {
  assert.ok(plan !== undefined);
  return summary(plan, place, columns).find((part) => title.test(part.title))?.lines ?? [];
}

for (const [name, plan] of Object.entries(plans)) {
  for (const columns of [77, 57, 40]) {
    test(`The summary of ${name} fits into ${columns} columns.`, () => {
      const wide = summary(plan, place, columns).flatMap(({ lines, isCommand }) =>
        lines.filter((line) => line.length > columns && !isCommand),
      );
      assert.deepEqual(wide, []);
    });
  }

  test(`The commands in the summary of ${name} are read by a shell as what they are.`, () => {
    const own = linesOf(plan, /by porthop/, 40).join("\n");
    assert.deepEqual(splitShellWords(own), ownWords(plan));
    if (plan.description.via === "nothing") return;
    assert.deepEqual(splitShellWords(linesOf(plan, /ssh command/, 40).join("\n")), [
      "ssh",
      ...sshWords(plan.description),
    ]);
  });
}

test("Each flag of the command has a line of its own, and each leg too.", () => {
  const flags = linesOf(plans["web"], /Flag by flag/).map((line) => line.split(/ {2,}/)[0]);
  const expected = ["-N", "-p 2222", "-o ExitOnForwardFailure=yes", "-L 8080:localhost:80", "alice@vishnu"];
  assert.deepEqual(
    flags.filter((flag) => flag !== ""),
    expected,
  );
  assert.deepEqual(linesOf(plans["web"], /three legs/), [
    "leg 1: a program on brahma -> localhost:8080, in clear",
    "leg 2: brahma -> vishnu:2222, encrypted",
    "leg 3: vishnu -> localhost:80, in clear",
    '"in clear" is as the programs send it: SSH encrypts leg 2 only',
  ]);
  assert.match(linesOf(plans["web"], /how it goes/).join("\n"), /localhost:8080[\s\S]*leg 2, SSH/);
});

test("The settings of the server are named, and GatewayPorts where other machines shall get in.", () => {
  assert.match(linesOf(plans["web"], /has to allow/).join("\n"), /AllowTcpForwarding/);
  assert.doesNotMatch(linesOf(plans["back"], /has to allow/).join("\n"), /GatewayPorts/);
  assert.match(linesOf(plans["shown"], /has to allow/).join("\n"), /GatewayPorts clientspecified/);
});

test("Warnings are shown, and what ssh cannot say, where there is such a thing.", () => {
  const mind = linesOf(plans["captured"], /Mind/).join(" ");
  assert.match(mind, /port 80 is below 1024/);
  assert.match(mind, /every machine that reaches brahma/);
  assert.match(linesOf(plans["captured"], /cannot say/).join("\n"), /tcpdump -ni any -w leg2.pcap/);
  assert.deepEqual(linesOf(plans["web"], /Mind|cannot say/), []);
});

test("A relay has two legs, no ssh command and no server.", () => {
  const { relay } = plans;
  assert.equal(linesOf(relay, /two legs/).length, 2);
  assert.deepEqual(linesOf(relay, /ssh command|Flag by flag|has to allow/), []);
});

test("Behind an alias the legs and the picture show where it really goes.", () => {
  const plan = plans["socks"];
  assert.ok(plan !== undefined && plan.description.via === "ssh");
  const keywords = [...plan.description.keywords, { name: "HostName", value: "10.0.0.7" }];
  const shown = { ...plan.description, port: 2200, keywords };
  const parts = summary(plan, place, 77, shown);
  assert.match(parts.find(({ title }) => /three legs/.test(title))?.lines[1] ?? "", /10\.0\.0\.7:2200/);
  assert.match(parts.find(({ title }) => /ssh command/.test(title))?.lines[0] ?? "", /^ssh -N .* vishnu$/);
});
