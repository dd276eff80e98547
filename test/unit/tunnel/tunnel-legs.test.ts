import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { legsOf, tcpdump } from "../../../src/tunnel/tunnel-legs.ts";

const place = { here: "brahma", loopback: "lo0", program: "ssh" };

function legs(text: string): readonly string[] {
  const tunnel = describeTunnel(text.split(" "));
  const [spec] = tunnel.forwards;
  assert.ok(spec !== undefined);
  return legsOf(tunnel, spec, place).map(
    (leg) => `${leg.leg} ${leg.from} -> ${leg.to} | ${leg.machine}: ${tcpdump(leg) ?? "nothing"}`,
  );
}

const leg2 = "2 brahma -> vishnu:22 | brahma: tcpdump -ni any 'tcp port 22 and host vishnu'";

for (const [given, expected] of [
  [
    "-L 3456:localhost:80 vishnu",
    [
      "1 a program on brahma -> localhost:3456 | brahma: tcpdump -ni lo0 'tcp port 3456'",
      leg2,
      "3 vishnu -> localhost:80 | vishnu: tcpdump -ni lo 'tcp port 80'",
    ],
  ],
  [
    "-L *:3456:db.internal:80 -p 2222 -o HostName=10.0.0.9 vishnu",
    [
      "1 whoever reaches brahma -> *:3456 | brahma: tcpdump -ni any 'tcp port 3456'",
      "2 brahma -> 10.0.0.9:2222 | brahma: tcpdump -ni any 'tcp port 2222 and host 10.0.0.9'",
      "3 vishnu -> db.internal:80 | vishnu: tcpdump -ni any 'tcp port 80 and host db.internal'",
    ],
  ],
  [
    "-R 8080:127.0.0.1:3000 vishnu",
    [
      "1 a program on vishnu -> localhost:8080 | vishnu: tcpdump -ni lo 'tcp port 8080'",
      leg2,
      "3 brahma -> 127.0.0.1:3000 | brahma: tcpdump -ni lo0 'tcp port 3000'",
    ],
  ],
  [
    "-R 0:localhost:3000 vishnu",
    [
      "1 a program on vishnu -> localhost, on a port that the server chooses | vishnu: tcpdump -ni lo 'tcp'",
      leg2,
      "3 brahma -> localhost:3000 | brahma: tcpdump -ni lo0 'tcp port 3000'",
    ],
  ],
  [
    "-D 1080 -J a:1,b vishnu",
    [
      "1 a program on brahma -> localhost:1080 | brahma: tcpdump -ni lo0 'tcp port 1080'",
      "2 brahma -> a:1 | brahma: tcpdump -ni any 'tcp port 1 and host a'",
      "2 a -> b:22 | a: tcpdump -ni any 'tcp port 22 and host b'",
      "2 b -> vishnu:22 | b: tcpdump -ni any 'tcp port 22 and host vishnu'",
      "3 vishnu -> what each connection asks for | vishnu: tcpdump -ni any 'tcp and not port 22'",
    ],
  ],
  [
    "-L /a:/b -o ProxyCommand=x fe80::1%eth0",
    [
      "1 a program on brahma -> /a | brahma: nothing",
      "2 brahma -> [fe80::1%eth0]:22 | brahma: nothing",
      "3 fe80::1%eth0 -> /b | fe80::1%eth0: nothing",
    ],
  ],
  [
    "-W a:1 fe80::1%eth0",
    [
      "1 whoever started it -> stdin and stdout | brahma: nothing",
      "2 brahma -> [fe80::1%eth0]:22 | brahma: tcpdump -ni any 'tcp port 22 and host fe80::1'",
      "3 fe80::1%eth0 -> a:1 | fe80::1%eth0: tcpdump -ni any 'tcp port 1 and host a'",
    ],
  ],
] as const) {
  test(`The legs of ${given}, and where tcpdump shows each.`, () => {
    assert.deepEqual(legs(given), expected);
  });
}

test("A relay has legs 1 and 3, both here; a file can be named.", () => {
  const relay = describeRelay(["-L", "8080:a:80"]);
  const [spec] = relay.forwards;
  assert.ok(spec !== undefined);
  const found = legsOf(relay, spec, place);
  assert.deepEqual(
    found.map((leg) => [leg.leg, leg.machine, tcpdump(leg, "x.pcap")]),
    [
      [1, "brahma", "tcpdump -ni lo0 -w x.pcap 'tcp port 8080'"],
      [3, "brahma", "tcpdump -ni any -w x.pcap 'tcp port 80 and host a'"],
    ],
  );
});
