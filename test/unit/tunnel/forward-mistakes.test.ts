import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { forwardMistakes } from "../../../src/tunnel/forward-mistakes.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

for (const [given, found] of [
  ["-L 8080:db:80 vishnu", []],
  ["-L 8080:localhost:80 vishnu", [/^note localhost: .*vishnu itself, not brahma$/]],
  ["-J bastion -L 8080:localhost:80 vishnu", [/vishnu itself, not brahma and not bastion/]],
  ["-L 8080:localhost:80 localhost", []],
  ["-L 8080:vishnu:80 vishnu", [/^note outer-address: .*its loopback only/]],
  ["-o HostName=10.0.0.9 -L 8080:10.0.0.9:80 vishnu", [/^note outer-address/]],
  ["-L 8080:0.0.0.0:80 vishnu", [/^warning any-target/]],
  ["-R 8080:vishnu:80 vishnu", [/^warning localhost: .*the server itself/]],
  ["-R 8080:localhost:80 vishnu", []],
  ["-R *:8080:localhost:80 vishnu", [/^warning gateway-ports: .*all its addresses/]],
  ["-R 10.0.0.1:8080:localhost:80 vishnu", [/^warning gateway-ports: .*10\.0\.0\.1/]],
  ["-R localhost:8080:localhost:80 vishnu", []],
  ["-R 80:localhost:80 vishnu", [/^warning low-port: .*on vishnu only root/]],
  ["-L 80:db:80 vishnu", [/^warning low-port: .*on brahma only root/]],
  ["-L *:8080:db:80 vishnu", [/^warning open-to-network: every machine that reaches brahma/]],
  ["-g -L 8080:db:80 vishnu", [/^warning open-to-network/]],
  ["-D *:1080 vishnu", [/^warning open-to-network: .*open proxy/]],
  ["-L 10.0.0.1:8080:db:80 vishnu", [/^warning open-to-network: every machine that reaches 10\.0\.0\.1/]],
  ["-L db:5432:localhost:5432 vishnu", [/^note localhost/, /^warning bind-name: db before the port/]],
  ["-L /s:db:80 vishnu", [/^note old-socket: .*/]],
] as const) {
  test(`${given}: ${found.map(({ source }) => source).join(", ") || "nothing to say"}.`, () => {
    const tunnel = describeTunnel(given.split(" "));
    const all = tunnel.forwards.flatMap((spec) => forwardMistakes(tunnel, spec, place));
    assert.equal(all.length, found.length, JSON.stringify(all));
    for (const [index, pattern] of found.entries()) {
      const { level, code, text } = all[index] ?? {};
      assert.match(`${level} ${code}: ${text}`, pattern);
    }
  });
}

test("For a relay there is no server, but an open port is open.", () => {
  const relay = describeRelay(["-L", "*:80:localhost:8080"]);
  const all = relay.forwards.flatMap((spec) => forwardMistakes(relay, spec, place));
  assert.deepEqual(
    all.map(({ code }) => code),
    ["open-to-network", "low-port"],
  );
  assert.match(all[0]?.cure ?? "", /--allow-from/);
});
