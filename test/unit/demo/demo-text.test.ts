import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Explained, explainFlow } from "../../../src/demo/demo-text.ts";

interface Ports {
  readonly app: number;
  readonly listen: number;
  readonly porthop: number;
  readonly sshd: number;
  readonly dial: number;
  readonly web: number;
}

const loopback = (port: number) => ({ host: "127.0.0.1", port });

/** As the demo has it: all of it on one machine. */
function explained({ app, listen, porthop, sshd, dial, web }: Ports, more: Partial<Explained> = {}): Explained {
  return {
    words: `-L ${listen}:127.0.0.1:${web} -p ${sshd} demo@127.0.0.1`,
    loopback: "lo",
    legs: [
      { leg: 1, from: loopback(app), to: loopback(listen) },
      { leg: 2, from: loopback(porthop), to: loopback(sshd) },
      { leg: 3, from: loopback(dial), to: loopback(web) },
    ],
    up: 59,
    down: 174,
    ...more,
  };
}

const ports = { app: 33458, listen: 3456, porthop: 33450, sshd: 2222, dial: 33513, web: 80 };

test("It shows the command, the effective connection, the picture, each leg with its filter, and what was carried.", () => {
  assert.deepEqual(explainFlow(explained(ports)).join("\n").split("\n"), [
    "What you asked for:",
    "",
    "  porthop run -L 3456:127.0.0.1:80 -p 2222 demo@127.0.0.1",
    "",
    "  with ssh it would be: ssh -N -L 3456:127.0.0.1:80 -p 2222 demo@127.0.0.1",
    "  the effective connection: (127.0.0.1, 3456) -> (127.0.0.1, 80)",
    "",
    "What carries it, three TCP connections:",
    "",
    "  app                                                    web server",
    "  127.0.0.1:33458                                        127.0.0.1:80",
    "    |                                                      ^",
    "    | leg 1, clear                                         | leg 3, clear",
    "    v                                                      |",
    "  127.0.0.1:3456                                         127.0.0.1:33513",
    "  porthop            33450 ===== leg 2, SSH =====> 2222  sshd",
    "",
    "  leg 1  127.0.0.1:33458 > 127.0.0.1:3456     your program to porthop",
    "         tcpdump -ni lo tcp port 3456",
    "  leg 2  127.0.0.1:33450 > 127.0.0.1:2222     porthop to sshd",
    "         tcpdump -ni lo tcp port 2222",
    "  leg 3  127.0.0.1:33513 > 127.0.0.1:80       sshd to the web server",
    "         tcpdump -ni lo tcp port 80",
    "",
    "  legs 1 and 3 carried the same 59 bytes up and 174 bytes down, in clear;",
    "  leg 2 carried them encrypted.",
  ]);
});

test("The filters name the loopback interface as the system does.", () => {
  const filters = explainFlow(explained(ports, { loopback: "lo0" })).filter((line) => line.includes("tcpdump"));
  assert.deepEqual(
    filters.map((line) => line.trim()),
    [3456, 2222, 80].map((port) => `tcpdump -ni lo0 tcp port ${port}`),
  );
});

test("IPv6 addresses stand in brackets where a port follows, and the effective connection names hosts alone.", () => {
  const ipv6 = (port: number) => ({ host: "::1", port });
  const lines = explainFlow(
    explained(ports, {
      legs: [
        { leg: 1, from: ipv6(1), to: ipv6(2) },
        { leg: 2, from: ipv6(3), to: ipv6(4) },
        { leg: 3, from: ipv6(5), to: ipv6(6) },
      ],
    }),
  );
  assert.ok(lines.includes("  the effective connection: (::1, 2) -> (::1, 6)"));
  assert.ok(lines.some((line) => line.startsWith("  leg 1  [::1]:1 > [::1]:2 ")));
});

test("Whatever the ports, no line is wider than 80 columns, and the picture is straight.", () => {
  const port = fc.integer({ min: 1, max: 65535 });
  const any = fc.record({ app: port, listen: port, porthop: port, sshd: port, dial: port, web: port });
  fc.assert(
    fc.property(any, (ports) => {
      const lines = explainFlow(explained(ports));
      for (const line of lines) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      const top = lines.findIndex((line) => line.endsWith("web server"));
      const picture = lines.slice(top, top + 7);
      const right = picture[0]?.indexOf("web server") ?? -1;
      const columns = ["127", "  ^", "  |", "  |", "127", "sshd"];
      for (const [index, text] of columns.entries())
        assert.equal(picture[index + 1]?.slice(right, right + text.length), text);
      for (const line of picture) assert.equal(line[right - 1], " ", "nothing runs into the right side");
      assert.match(
        picture[6] ?? "",
        new RegExp(`^ {2}porthop +${ports.porthop} =+ leg 2, SSH =+> ${ports.sshd} {2}sshd$`),
      );
    }),
  );
});

test("No line ends in blanks.", () => {
  for (const line of explainFlow(explained(ports))) assert.equal(line, line.trimEnd());
});
