import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { picture } from "../../../src/tunnel/picture.ts";
import type { TunnelDescription } from "../../../src/tunnel/tunnel-description.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

function draw(description: TunnelDescription, columns = 80): readonly string[] {
  return picture(description, description.forwards[0], place, columns);
}

const drawn = (text: string, columns?: number) => draw(describeTunnel(text.split(" ")), columns);

test("A local forward: the program and the listener here, the target in the server's view there.", () => {
  assert.deepEqual(drawn("-L 3456:localhost:80 vishnu"), [
    "+------------ brahma -+                    +------------ vishnu -+",
    "| a program           |                    | localhost:80        |",
    "|   |                 |                    |   ^                 |",
    "|   | leg 1, in clear |                    |   | leg 3, in clear |",
    "|   v                 |                    |   |                 |",
    "| localhost:3456      |                    |   |                 |",
    "| ssh ============ leg 2, SSH =============> sshd, port 22       |",
    "+---------------------+                    +---------------------+",
  ]);
});

test("A remote forward that is open: who connects is outside of the server, and so is a target on a third machine.", () => {
  assert.deepEqual(drawn("-R *:8080:printer:9100 -J bob@bastion:2222 vishnu"), [
    "  printer:9100                               any program that reaches it",
    "    ^                                          |",
    "    | leg 3, in clear                          | leg 1, in clear",
    "+---|-------- brahma -+                    +---|---------------- vishnu -+",
    "|   |                 |                    |   v                         |",
    "|   |                 |                    | *:8080                      |",
    "| ssh ============ leg 2, SSH =============> sshd, port 22               |",
    "+---------------------+                    +-----------------------------+",
    "leg 2 goes through bob@bastion:2222",
  ]);
});

test("On a narrow terminal it goes from top to bottom, from who connects to the target.", () => {
  assert.deepEqual(drawn("-R 8080:localhost:3000 -J bastion vishnu", 40), [
    "a program on vishnu",
    "  |",
    "  | leg 1, in clear",
    "  v",
    "localhost:8080",
    "sshd, port 22, on vishnu",
    " ||",
    " || leg 2, SSH",
    " ||",
    "ssh, on brahma",
    "  |",
    "  | leg 3, in clear",
    "  v",
    "localhost:3000, on brahma",
    "leg 2 goes through bastion",
  ]);
});

test("A relay has no second leg.", () => {
  const lines = draw(describeRelay(["-L", "8080:intranet:80"])).join("\n");
  assert.match(lines, /ssh -+ leg 3, in clear -+> intranet:80/);
  assert.doesNotMatch(lines, /leg 2/);
});

for (const [words, has] of [
  ["-D 1080 vishnu", ["localhost:1080", "what is asked for"]],
  ["-R 1080 vishnu", ["localhost:1080", "what is asked for"]],
  ["-R 0:a:1 vishnu", ["localhost, any port", "a:1"]],
  ["-L /a.sock:/var/run/docker.sock vishnu", ["/a.sock", "/var/run/docker.sock"]],
  ["-W db:5432 vishnu", ["stdin, stdout", "leg 1, a pipe", "db:5432"]],
  ["-p 2222 vishnu", ["sshd, port 2222"]],
] as const) {
  test(`${words} shows ${has.join(" and ")}, at 80 columns, 60 and 40.`, () => {
    for (const columns of [80, 60, 40]) {
      const lines = drawn(words, columns);
      for (const text of [...has, "vishnu", "brahma"])
        assert.ok(lines.join("\n").includes(text), `${text} at ${columns}`);
      for (const line of lines) assert.ok(line.length <= columns, line);
    }
  });
}

test("No line is longer than the columns, however long the names.", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9.]{0,80}$/);
  const forward = fc.constantFrom("-L1:", "-R1:", "-L*:2:", "-R*:2:");
  const property = fc.property(
    name,
    name,
    name,
    forward,
    fc.integer({ min: 40, max: 120 }),
    (host, jump, target, flag, columns) => {
      const tunnel = describeTunnel([`${flag}${target}:80`, "-J", jump, host]);
      for (const line of picture(tunnel, tunnel.forwards[0], { ...place, here: jump }, columns)) {
        assert.ok(line.length <= columns, line);
      }
    },
  );
  fc.assert(property);
});
