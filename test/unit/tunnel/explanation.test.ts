import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { explainTunnel, printEffective } from "../../../src/tunnel/explanation.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

function first(text: string) {
  const [forward] = explainTunnel(describeTunnel(text.split(" ")), place).forwards;
  assert.ok(forward !== undefined);
  return forward;
}

for (const [given, effective, view, who] of [
  ["-L 3456:localhost:80 vishnu", "(brahma, 3456, vishnu, 80)", /is vishnu, not brahma/, /Programs on brahma only/],
  ["-L 3456:db:80 vishnu", "(brahma, 3456, db, 80)", /db is what vishnu calls so/, /Programs on brahma only/],
  ["-gL 3456:db:80 vishnu", "(brahma, 3456, db, 80)", /db is what vishnu/, /Whoever reaches brahma/],
  ["-R 8080:localhost:3000 vishnu", "(vishnu, 8080, brahma, 3000)", /is brahma, not vishnu/, /Programs on vishnu only/],
  ["-R *:8080:a:3000 vishnu", "(vishnu, 8080, a, 3000)", /a is what brahma calls so/, /if GatewayPorts allows/],
  ["-R 0:localhost:3000 vishnu", "(vishnu, -, brahma, 3000)", /is brahma/, /Programs on vishnu/],
  ["-D 1080 vishnu", "(brahma, 1080, what is asked for, -)", /looked up on vishnu.*socks5h/, /Programs on brahma/],
  ["-R 1080 vishnu", "(vishnu, 1080, what is asked for, -)", /looked up on brahma/, /Programs on vishnu/],
  ["-L /a:/b vishnu", "(brahma:/a, -, vishnu:/b, -)", /\/b is a file of vishnu/, /open the file \/a of brahma/],
  ["-W db:1 vishnu", "(brahma, -, db, 1)", /db is what vishnu/, /that started it/],
] as const) {
  test(`${given} is in effect ${effective}.`, () => {
    const forward = first(given);
    assert.equal(printEffective(forward.effective), effective);
    assert.match(forward.view, view);
    assert.match(forward.who, who);
    assert.match(forward.does, /vishnu/);
    assert.equal(forward.legs.length, 3);
  });
}

test("Of a server that is called localhost it is not said that localhost is localhost, and not this machine.", () => {
  for (const server of ["localhost", "127.0.0.1", "root@::1"]) {
    const { view } = first(`-L 8080:localhost:80 ${server}`);
    assert.match(view, /^The localhost of localhost:80 is the machine that sshd runs on: brahma itself, unless /);
  }
  assert.equal(
    first("-R 8080:localhost:80 localhost").view,
    "The localhost of localhost:80 is brahma: brahma is the one that connects to it.",
  );
});

test("It says who connects where.", () => {
  assert.equal(
    first("-R 8080:localhost:3000 vishnu").does,
    "A program on vishnu connects to localhost:8080, where sshd on vishnu listens. The connection goes through the SSH connection, and ssh on brahma connects to localhost:3000.",
  );
});

test("A proxy of porthop is asked by SOCKS or HTTP, and one of ssh by SOCKS only.", () => {
  for (const flag of ["-D", "-R"]) {
    const tunnel = describeTunnel([flag, "1080", "vishnu"]);
    const said = ["ssh", "porthop"].map(
      (program) => explainTunnel(tunnel, { ...place, program }).forwards[0]?.does ?? "",
    );
    assert.match(said[0] ?? "", /It says by SOCKS to which host/);
    assert.match(said[1] ?? "", /It says by SOCKS or HTTP to which host/);
  }
});

test("With -g it is not only a program of this machine that connects.", () => {
  assert.match(first("-gL 80:a:80 vishnu").does, /^Any program that reaches brahma connects to \*:80/);
  assert.match(first("-R *:80:a:80 vishnu").does, /^A program on vishnu connects to \*:80/);
});

test("A relay is explained without ssh.", () => {
  const { forwards, server } = explainTunnel(describeRelay(["-L", "8080:a:80"]), { ...place, program: "porthop" });
  assert.match(forwards[0]?.does ?? "", /porthop on brahma listens\. It connects to a:80 itself.*no SSH/);
  assert.deepEqual([forwards[0]?.kind, forwards[0]?.id, server], ["relay", "L1", []]);
});

test("Forwards are named, and written as they are said.", () => {
  const { forwards } = explainTunnel(describeTunnel("-L1:a:1 -D 2 -L3:[::1]:3 h".split(" ")), place);
  assert.deepEqual(
    forwards.map(({ id, written }) => `${id} ${written}`),
    ["L1 -L 1:a:1", "D1 -D 2", "L2 -L 3:[::1]:3"],
  );
});
