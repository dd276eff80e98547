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
  ["-N -o ServerAliveInterval=10 -L 1:a:1 h", /after 3 unanswered questions, one every 10 seconds/],
  ["-N -J a,b -L 1:a:1 h", /a jump host goes \(a, b\)/],
  ["-W a:1 h", /It is one connection/],
] as const) {
  test(`${given} ends as ssh does: ${says.source}.`, () => {
    assert.match(ends(given), says);
  });
}

test("porthop opens no shell unasked and notices a dead network; a relay ends with itself.", () => {
  const told = ends("-L 1:a:1 h", { ...ssh, program: "porthop" });
  assert.match(told, /porthop runs until it is told to stop.*about a minute/);
  assert.match(endings(describeRelay(["-L", "1:a:1"]), ssh).join(" "), /Nothing else ends them/);
});
