import assert from "node:assert/strict";
import { test } from "node:test";
import { reachable, showable, useOf, usualListenPort } from "../../../src/wizard/services.ts";

test("The services and ports that people know by name are offered.", () => {
  const ports = (value: string) => reachable.find((each) => each.value === value)?.ports.map(({ port }) => port);
  assert.deepEqual(ports("web"), [80, 443, 8080]);
  assert.deepEqual(["postgresql", "mysql", "redis", "mongodb"].map(ports), [[5432], [3306], [6379], [27017]]);
  assert.deepEqual(["rdp", "vnc", "ssh"].map(ports), [[3389], [5900], [22]]);
  const inOrder = (value: string) => ports(value)?.toSorted((one, other) => one - other);
  assert.deepEqual(["imap", "smtp", "pop3"].map(inOrder), [
    [143, 993],
    [25, 587],
    [110, 995],
  ]);
  assert.equal(reachable.find(({ value }) => value === "docker")?.socket, "/var/run/docker.sock");
  assert.deepEqual(
    showable.map(({ value }) => value),
    ["web", "ssh", "rdp", "vnc", "database", "other"],
  );
});

test("Each service has a value of its own.", () => {
  for (const services of [reachable, showable]) {
    assert.equal(new Set(services.map(({ value }) => value)).size, services.length);
  }
});

test("The port to listen on is the service's own, or one that everybody may take.", () => {
  const pairs = [
    [80, 8080],
    [443, 8443],
    [22, 2222],
    [143, 1143],
    [995, 1995],
    [5432, 5432],
    [1024, 1024],
  ] as const;
  for (const [port, listen] of pairs) assert.equal(usualListenPort(port), listen);
  for (let port = 1; port <= 65535; port += 7) assert.ok(usualListenPort(port) >= 1024);
});

test("Each service that can be reached says how it is used, but for the one that nobody knows.", () => {
  const at = { host: "localhost", port: 4711 };
  for (const { value, ports } of reachable) {
    const uses = useOf(value, ports[0]?.port ?? 0, at);
    assert.equal(uses.length === 0, value === "other", value);
    if (uses[0] !== undefined) assert.match(uses[0], /4711/);
  }
  assert.match(useOf("web", 443, at)[0] ?? "", /https:/);
  // Of a database the port says which one it is.
  assert.match(useOf("database", 3306, at)[0] ?? "", /^mysql/);
  assert.deepEqual(useOf("database", 1521, at), []);
  assert.match(useOf("web", 443, at)[1] ?? "", /certificate/);
});
