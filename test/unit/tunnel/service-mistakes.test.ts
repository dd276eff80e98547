import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { forwardMistakes } from "../../../src/tunnel/forward-mistakes.ts";
import { serviceMistake } from "../../../src/tunnel/service-mistakes.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

for (const [given, says] of [
  ["-L 2121:ftp.example:21 vishnu", /^note: FTP opens a second connection .* -> use sftp.*-D/],
  ["-R 2121:ftp.example:21 vishnu", /^note: FTP/],
  ["-L 5353:dns.example:53 vishnu", /UDP.*dig \+tcp/],
  ["-L 9092:kafka:9092 vishnu", /advertised\.listeners/],
] as const) {
  test(`${given} is told what does not come along.`, () => {
    const tunnel = describeTunnel(given.split(" "));
    const told = tunnel.forwards
      .flatMap((spec) => forwardMistakes(tunnel, spec, place))
      .filter(({ code }) => code === "more-ports")
      .map(({ level, text, cure }) => `${level}: ${text} -> ${cure}`);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", says);
  });
}

test("A relay of FTP carries its first connection only, too.", () => {
  const relay = describeRelay(["-L", "2121:ftp.example:21"]);
  const told = relay.forwards.flatMap((spec) => forwardMistakes(relay, spec, place));
  assert.deepEqual(
    told.map(({ code }) => code),
    ["more-ports"],
  );
});

test("Of services with one port, of the port that is listened on, and of a proxy nothing is said.", () => {
  for (const port of [22, 25, 80, 443, 3306, 3389, 5432, 5900, 6379, 8080, 27017]) {
    assert.equal(serviceMistake(port), undefined, String(port));
  }
  for (const words of ["-L 2100:db:5432 h", "-D 2100 h", "-W db:5432 h", "-L 2100:/run/a.sock h"]) {
    const tunnel = describeTunnel(words.split(" "));
    assert.deepEqual(
      tunnel.forwards.flatMap((spec) => forwardMistakes(tunnel, spec, place)),
      [],
    );
  }
});
