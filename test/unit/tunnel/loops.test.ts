import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { readRelaySettings } from "../../../src/config/relay-settings.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { isThisMachine } from "../../../src/tunnel/loops.ts";
import { mistakesIn } from "../../../src/tunnel/mistakes.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const place = { here: "brahma", loopback: "lo", program: "porthop" };

const itself = /^warning L1: localhost:9000 is where it listens itself: .* again and again$/;
const round = /^warning L1: it connects to what R1 listens on, and R1 connects back/;

for (const [given, found] of [
  ["-L 9000:localhost:9000 localhost", [itself]],
  ["-L 9000:localhost:9000 me@127.0.0.1", [itself]],
  ["-L 9000:localhost:9000 ::1", [itself]],
  ["-L 9000:localhost:9000 Brahma", [itself]],
  ["-L 9000:localhost:9000 -o HostName=localhost alias", [itself]],
  ["-g -L 9000:localhost:9000 localhost", [itself]],
  ["-L *:9000:127.0.0.1:9000 localhost", [/^warning L1: 127\.0\.0\.1:9000 is where it listens/]],
  ["-L 127.0.0.1:9000:localhost:9000 localhost", [itself]],
  ["-R 9000:localhost:9000 localhost", [/^warning R1: localhost:9000 is where it listens/]],
  ["-L /run/a.sock:/run/a.sock localhost", [/^warning L1: \/run\/a\.sock is where it listens/]],
  ["-L 9000:localhost:9001 -R 9001:localhost:9000 vishnu", [round]],
  ["-R 8080:localhost:8080 -L 8080:localhost:8080 vishnu", [round]],
  // Another server, another port, another address, or no telling which machine it is.
  ["-L 9000:localhost:9000 vishnu", []],
  ["-L 9000:localhost:9001 localhost", []],
  ["-L 9000:db:9000 localhost", []],
  ["-L 9000:brahma:9000 brahma", []],
  ["-L 127.0.0.2:9000:127.0.0.1:9000 localhost", []],
  ["-L [::1]:9000:127.0.0.1:9000 localhost", []],
  ["-p 2222 -L 9000:localhost:9000 vagrant@127.0.0.1", []],
  ["-J bastion -L 9000:localhost:9000 localhost", []],
  ["-o ProxyCommand=connect -L 9000:localhost:9000 localhost", []],
  ["-L 8080:localhost:8080 -R 8081:localhost:8081 vishnu", []],
  ["-L 8080:db:8080 -R 8080:localhost:8080 vishnu", []],
  ["-L 8080:localhost:8080 -L 8081:localhost:8080 vishnu", []],
  ["-D 9000 localhost", []],
  ["-W localhost:9000 localhost", []],
] as const) {
  test(`${given} ${found.length > 0 ? "is a loop, in explain and in run" : "is no loop"}.`, () => {
    const told = mistakesIn(describeTunnel(given.split(" ")), place).filter(({ code }) => code === "loop");
    assert.equal(told.length, found.length, JSON.stringify(told));
    const lines = told.map(({ level, forward, text }) => `${level} ${forward}: ${text}`);
    for (const [index, pattern] of found.entries()) assert.match(lines[index] ?? "", pattern);
    const sources = memoryConfig({});
    const { warnings } = readRunSettings(given.split(" "), sources).keywords;
    assert.deepEqual(
      warnings,
      lines.map((line) => line.replace("warning ", "")),
    );
  });
}

test("A relay to its own port is a loop, and one to another port is not.", () => {
  const words = ["-L", "9000:localhost:9000"];
  const told = mistakesIn(describeRelay(words), place).map(({ code, forward }) => `${code} ${forward}`);
  assert.deepEqual(told, ["loop L1"]);
  assert.match(readRelaySettings(words).keywords.warnings.join("; "), /^L1: localhost:9000 is where it listens itself/);
  assert.deepEqual(readRelaySettings(["-L", "9000:localhost:9001"]).keywords.warnings, []);
});

test("sshd on another port of the loopback may be that of a container, with a localhost of its own.", () => {
  assert.equal(isThisMachine({ host: "127.0.0.1", port: 22 }, []), true);
  assert.equal(isThisMachine({ host: "127.0.0.1", port: 2222 }, []), false);
  assert.equal(isThisMachine({ host: "BRAHMA", port: 22 }, ["brahma"]), true);
  assert.equal(isThisMachine({ host: "brahma.other", port: 22 }, ["brahma"]), false);
});
