import assert from "node:assert/strict";
import { test } from "node:test";
import { type ForwardFlag, type ForwardSpec, parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { allForwards, forwardText, nameForwards, targetPorts } from "../../../src/config/forward.ts";

function forwards(lines: readonly string[], gatewayPorts = false) {
  const specs = lines.map((line) => parseForwardSpec(line.slice(1, 2) as ForwardFlag, line.slice(3)));
  return nameForwards(specs, gatewayPorts);
}

test("Forwards are named by their letter and counted by letter, in the order given", () => {
  const named = forwards(["-L 1:a:1", "-R 2:b:2", "-L 3:c:3", "-D 1080", "-R 0:d:4", "-R 1081", "-L 5:e:5"]);
  assert.deepEqual(
    named.map(({ id, kind }) => `${id} ${kind}`),
    ["L1 local", "R1 remote", "L2 local", "D1 dynamic", "R2 remote", "R3 reverse-dynamic", "L3 local"],
  );
});

test("A forward that is typed twice, or stands in a file too, is one, as for ssh", () => {
  const read = (flag: "L" | "R" | "D", text: string) => parseForwardSpec(flag, text);
  const typed = [read("D", "1080"), read("L", "1:a:2"), read("D", "1080"), read("R", "0:a:1"), read("R", "0:a:1")];
  const file = {
    specs: [read("L", "1:a:2"), read("L", "1:b:2")],
    areCleared: undefined,
    fillPaths: (each: ForwardSpec) => each,
  };
  assert.deepEqual(allForwards(typed, file).map(forwardText), ["D1080", "L1:a:2", "R0:a:1", "L1:b:2"]);
});

test("No forwards have no names", () => {
  assert.deepEqual(nameForwards([], false), []);
});

test("A forward says where it accepts and where it goes, and keeps its spec", () => {
  const [tcp, socket] = forwards(["-L 127.0.0.2:8080:db.internal:5432", "-L /run/a.sock:/run/b.sock"]);
  assert.deepEqual(
    [tcp?.listen, tcp?.connect, tcp?.spec.kind],
    [{ host: "127.0.0.2", port: 8080 }, { host: "db.internal", port: 5432 }, "local"],
  );
  assert.deepEqual([socket?.listen, socket?.connect], [{ path: "/run/a.sock" }, { path: "/run/b.sock" }]);
});

test("Without a bind address a forward is for this machine, with GatewayPorts for all, and only on our side", () => {
  const lines = ["-L 1:h:1", "-D 2", "-R 3:h:3", "-R 4", "-L 127.0.0.1:5:h:5", "-L *:6:h:6", "-L :7:h:7"];
  const hosts = (gatewayPorts: boolean) =>
    forwards(lines, gatewayPorts).map(({ listen }) => listen !== undefined && "host" in listen && listen.host);
  assert.deepEqual(hosts(false), ["localhost", "localhost", "localhost", "localhost", "127.0.0.1", "*", "*"]);
  assert.deepEqual(hosts(true), ["*", "*", "localhost", "localhost", "127.0.0.1", "*", "*"]);
});

test("The target ports are those that are known before a connection comes", () => {
  assert.deepEqual(
    targetPorts(forwards(["-L 1:h:80", "-D 2", "-L 3:/run/x.sock", "-L /run/y.sock:h:443", "-L 4:i:80"])),
    [80, 443, 80],
  );
});
