import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { mistakesIn } from "../../../src/tunnel/mistakes.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

function codes(text: string, program = "ssh"): readonly string[] {
  return mistakesIn(describeTunnel(text.split(" ")), { ...place, program }).map(
    ({ level, code }) => `${level} ${code}`,
  );
}

const fine = "-N -o ExitOnForwardFailure=yes -L 8080:db:80";

for (const [given, found] of [
  [`${fine} h`, []],
  ["-o ExitOnForwardFailure=yes -L 8080:db:80 h", ["note no-n"]],
  ["-N -L 8080:db:80 h", ["note no-exit"]],
  ["-f -o ExitOnForwardFailure=yes -L 8080:db:80 h", ["warning f-without-n"]],
  ["-fN -L 8080:db:80 h", ["warning f-without-exit"]],
  [`${fine} -o ClearAllForwardings=yes h`, ["warning cleared"]],
  [`${fine} -o StrictHostKeyChecking=no h`, ["warning any-host-key"]],
  [`${fine} -o StrictHostKeyChecking=accept-new h`, []],
  [`${fine} -A h`, ["note agent"]],
  [`${fine} -L 8080:other:80 h`, ["warning twice"]],
  [`${fine} -J h h`, ["warning jump-loop"]],
  [`${fine} -J a,u@b,b:22 h`, ["warning jump-loop"]],
  [`${fine} -J a,b,a,h:2222,v@h u@h`, []],
  [`${fine} -R 8080:other:80 h`, []],
  ["-N -o ExitOnForwardFailure=yes -g -R 8080:db:80 h", ["note g-on-remote"]],
  ["-N -o ExitOnForwardFailure=yes -o GatewayPorts=yes -R 8080:db:80 h", ["note g-on-remote"]],
  ["-N -o ExitOnForwardFailure=yes -o GatewayPorts=no -R 8080:db:80 h", []],
  [`${fine} -o GatewayPorts=yes h`, ["warning open-to-network"]],
  ["-g h", []],
  ["-W a:1 h", []],
  ["h", []],
  ["-o ExitOnForwardFailure=yes -L 8080:db:80 h sleep 3", []],
] as const) {
  test(`In ssh ${given} there is: ${found.join(", ") || "nothing to say"}.`, () => {
    assert.deepEqual(codes(given), found);
  });
}

test("What porthop does by itself is no mistake there.", () => {
  assert.deepEqual(codes("-f -L 8080:db:80 h", "porthop"), []);
});

test("No mistake of a forward begins with the forward's name again: L2: L2 listens.", () => {
  const words =
    "-L 9000:localhost:9000 -L 9000:localhost:21 -L *:80:localhost:80 -L /s:db:80 -R *:80:localhost:1 -R 9000:localhost:9000";
  for (const host of ["localhost", "vishnu"]) {
    const all = mistakesIn(describeTunnel([...words.split(" "), host]), place).filter(
      ({ forward }) => forward !== undefined,
    );
    assert.ok(all.some(({ code }) => code === "twice"));
    for (const { forward = "", text, cure } of all)
      assert.doesNotMatch(`${text} ${cure}`, new RegExp(`\\b${forward}\\b`));
  }
});

test("Warnings come before notes, and each has its forward, its text and its cure.", () => {
  const all = mistakesIn(describeTunnel("-L 8080:localhost:80 -R *:1:a:1 h".split(" ")), place);
  assert.deepEqual(
    all.map(({ level, forward }) => `${level} ${forward ?? "-"}`),
    ["warning R1", "warning R1", "note L1", "note -", "note -"],
  );
  for (const { text, cure } of all) assert.match(`${text} ${cure}`, /^[^\n]{20,300}$/);
});
