import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { endings, serverNeeds } from "../../../src/tunnel/explanation-session.ts";

const ssh = { here: "brahma", loopback: "lo", program: "ssh" };
const needs = (text: string, place = ssh) => serverNeeds(describeTunnel(text.split(" ")), place).join("; ");
const ends = (text: string, place = ssh) => endings(describeTunnel(text.split(" ")), place).join(" ");

for (const [given, says] of [
  ["-L 1:a:1 h", /AllowTcpForwarding yes or local.*PermitOpen has to let a:1.*nologin/],
  ["-L 1:/s h", /AllowStreamLocalForwarding yes or local.*allowed to open \/s/],
  ["-D 1 h", /PermitOpen has to let every target/],
  ["-R 8080:a:1 h", /AllowTcpForwarding yes or remote.*PermitListen has to let port 8080/],
  ["-R *:80:a:1 h", /GatewayPorts clientspecified.*login as root: port 80/],
  ["-R 0:a:1 h", /PermitListen has to let any port/],
  ["-R /s:a:1 h", /AllowStreamLocalForwarding yes or remote.*StreamLocalBindUnlink/],
  ["-J a,b -L 1:a:1 h", /on a and b: AllowTcpForwarding/],
] as const) {
  test(`${given} needs of the server: ${says.source}.`, () => {
    assert.match(needs(given), says);
  });
}

test("What needs no rights needs nothing: a relay, a plain login.", () => {
  assert.deepEqual(serverNeeds(describeRelay(["-L", "1:a:1"]), ssh), []);
  assert.equal(needs("h"), "");
  assert.doesNotMatch(needs("-R 8080:a:1 h"), /GatewayPorts|root/);
});

test("Without -N ssh opens a shell beside the forwards: that none is needed is said of -N and of porthop only.", () => {
  assert.match(
    needs("-L 1:a:1 h"),
    /a shell for the user, which ssh opens beside the forwards.*with -N none is needed/,
  );
  assert.doesNotMatch(needs("-L 1:a:1 h"), /no shell/);
  assert.match(needs("-N -L 1:a:1 h"), /no shell is needed/);
  assert.match(needs("-L 1:a:1 h", { ...ssh, program: "porthop" }), /no shell is needed/);
  assert.doesNotMatch(needs("-L 1:a:1 h sleep 3"), /shell/);
});

for (const [given, says] of [
  ["-N -L 1:a:1 h", /runs until it is told to stop.*When the terminal on brahma is closed.*nobody notices/],
  ["-L 1:a:1 h", /opens a shell on the server/],
  ["-L 1:a:1 h sleep 3", /ends when the command has ended/],
  ["-fN -L 1:a:1 h", /in the background when the terminal is closed/],
  [
    "-N -o ServerAliveInterval=10 -L 1:a:1 h",
    /noticed 40s after the last sign of life: after 3 unanswered questions, one every 10s\./,
  ],
  ["-N -o ServerAliveCountMax=1 -L 1:a:1 h", /nobody notices: ServerAliveInterval is not set\./],
  ["-N -J a,b -L 1:a:1 h", /a jump host goes \(a, b\)/],
  ["-W a:1 h", /It is one connection/],
] as const) {
  test(`${given} ends as ssh does: ${says.source}.`, () => {
    assert.match(ends(given), says);
  });
}

const silent = (text: string) =>
  endings(describeTunnel(`${text} -L 1:a:1 h`.trim().split(" ")), { ...ssh, program: "porthop" }).find((sentence) =>
    /silence|nothing comes/.test(sentence),
  );

for (const [given, says] of [
  ["", "When the network fails in silence, it is noticed after about a minute."],
  ["-o ServerAliveInterval=0", "When the network fails in silence, nobody notices: ServerAliveInterval is 0."],
  ["-o ServerAliveInterval=none", "When the network fails in silence, nobody notices: ServerAliveInterval is none."],
  [
    "-o ServerAliveInterval=1m",
    "When the network fails in silence, it is noticed 4m after the last sign of life: after 3 unanswered questions, one every 1m.",
  ],
  [
    "-o ServerAliveCountMax=5",
    "When the network fails in silence, it is noticed 1m30s after the last sign of life: after 5 unanswered questions, one every 15s.",
  ],
  [
    "-o ServerAliveInterval=10 -o ServerAliveCountMax=1",
    "When the network fails in silence, it is noticed 20s after the last sign of life: after 1 unanswered question.",
  ],
  [
    "-o ServerAliveCountMax=0",
    "When nothing comes from the server for 15s, porthop ends the session without a question: ServerAliveCountMax is 0.",
  ],
] as const) {
  test(`When a silent network is noticed is said as ${given === "" ? "porthop" : given} has it.`, () => {
    assert.equal(silent(given), says);
  });
}

test("Each target that is tried before porthop is ready is told, where there is one.", () => {
  const told = (text: string, program = "porthop") =>
    endings(describeTunnel(text.split(" ")), { ...ssh, program }).includes(
      "porthop is ready only when each target was reached once.",
    );
  assert.ok(told("--check-target -L 1:a:1 h"));
  assert.ok(!told("-L 1:a:1 h"));
  assert.ok(!told("--check-target -D 1 h"));
  assert.ok(!told("--check-target -L 1:a:1 h", "ssh"));
});

const lost = (text: string) =>
  endings(describeTunnel(text.split(" ")), { ...ssh, program: "porthop" })
    .slice(4)
    .join(" ");

for (const [given, says] of [
  [
    "",
    /^When the session is lost, the open connections break and porthop connects again; new ones wait for it, up to 30s\./,
  ],
  ["--hold 90s", /new ones wait for it, up to 1m30s\./],
  ["--hold 0", /connects again; until then new ones are refused\./],
  ["--reconnect never", /^When the session is lost, porthop ends\./],
  ["--reconnect always", /connects again; .* The first connection is tried again and again too\./],
  [
    "--sessions 3",
    /^When all sessions are lost, .* There are 3 sessions: the loss of one breaks only the connections in it\./,
  ],
  [
    "--sessions 3 -R 2:a:1",
    /the loss of one breaks only the connections in it, and what listens on the server moves on\./,
  ],
  [
    "--reconnect never --sessions 2",
    /^There are 2 sessions: a lost one is not made again, and porthop ends with the last\. When a target/,
  ],
  ["-R 2:a:1", /; new ones here wait for it, up to 30s; on the server nobody listens until then\./],
  ["--hold 0 -R 2:a:1", /; until then new ones here are refused, and nobody listens on the server\./],
  ["--fallback db1 --fallback db2 --fallback none", /When h cannot be reached, porthop goes to db1, then to db2\./],
] as const) {
  test(`${given === "" ? "Without a flag" : given} a loss is told: ${says.source}.`, () => {
    assert.match(lost(`${given} -L 1:a:1 h`.trim()), says);
  });
}

test("For a listener of the server alone nobody waits: it goes with the session.", () => {
  for (const text of ["-R 2:a:1 h", "--hold 0 -R 2:a:1 h", "-R 1080 h"]) {
    assert.match(
      lost(text),
      /^When the session is lost, the open connections break and porthop connects again; until then nobody listens on the server\./,
    );
  }
});

test("What runs once ends with its session, whatever was asked for, and so does ssh.", () => {
  assert.match(
    lost("--reconnect always -L 1:a:1 h sleep 3"),
    /^When the session is lost, porthop ends\.( When a target|$)/,
  );
  assert.match(ends("-N -L 1:a:1 h"), /When the session is lost, ssh ends\./);
});

test("porthop opens no shell unasked and notices a dead network; a relay ends with itself.", () => {
  const told = ends("-L 1:a:1 h", { ...ssh, program: "porthop" });
  assert.match(told, /porthop runs until it is told to stop.*about a minute/);
  assert.match(endings(describeRelay(["-L", "1:a:1"]), ssh).join(" "), /Nothing else ends them/);
});
