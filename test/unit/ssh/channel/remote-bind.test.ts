import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress } from "../../../../src/codec/address.ts";
import { portTableCommand } from "../../../../src/codec/capture/socket-table.ts";
import { bindHost, overriddenBind, RemoteBind } from "../../../../src/ssh/channel/remote-bind.ts";

const port = 8080;

interface Server {
  /** The table of sockets before the request, and after it. Undefined: the server runs no commands. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Whether sshd says that GatewayPorts overrides the bind address. */
  readonly overridden?: boolean;
  readonly isOpenSsh?: boolean;
  readonly askedPort?: number;
}

/** Rows of /proc/net/tcp in state LISTEN on port 8080, each with another inode. */
function listening(...addresses: string[]): string {
  return addresses.map(rowOf).join("");
}

let inode = 100;

function rowOf(address: string): string {
  const hex = hexOf[address] ?? "";
  inode += 1;
  return `  0: ${hex}:1F90 ${"0".repeat(hex.length)}:0000 0A 0:0 0:0 0 0 0 ${inode}\n`;
}

const hexOf: Readonly<Record<string, string>> = {
  "127.0.0.1": "0100007F",
  "127.0.0.2": "0200007F",
  "192.0.2.7": "070200C0",
  "0.0.0.0": "00000000",
  "::1": "00000000000000000000000001000000",
  "::": "0".repeat(32),
};

const loopbacks = listening("127.0.0.1", "::1");
const wildcards = listening("0.0.0.0", "::");

async function told(host: string, { before = "", after, overridden = false, ...server }: Server) {
  const commands: string[] = [];
  const tables = [before, after === undefined ? undefined : before + after];
  const output = async (command: string) => {
    commands.push(command);
    return after === undefined ? undefined : tables.shift();
  };
  const { isOpenSsh = true, askedPort = port } = server;
  const bind = await RemoteBind.before({ gate: { output }, isOpenSsh }, { host, port: askedPort });
  const { addresses, remarks, isUnseen = false, isPartial = false } = await bind.after(port, overridden);
  return { places: addresses.map(formatAddress), remarks, isUnseen, isPartial, commands };
}

test("All addresses are asked for with the empty one, as ssh does; others as they are.", () => {
  assert.deepEqual(["*", "localhost", "0.0.0.0", "::1"].map(bindHost), ["", "localhost", "0.0.0.0", "::1"]);
});

test("sshd's word about a bind address that it did not heed is known from others.", () => {
  const word = (bind: string) => `Forwarding listen address "${bind}" overridden by server GatewayPorts`;
  assert.deepEqual([overriddenBind(word("localhost")), overriddenBind(word("::1"))], ["localhost", "::1"]);
  assert.equal(overriddenBind("Forwarding disabled"), undefined);
  assert.equal(overriddenBind(`x${word("localhost")}`), undefined);
});

test("What is seen on the server's loopback is told, and nothing to remark.", async () => {
  const both = await told("localhost", { after: loopbacks });
  assert.deepEqual(both.places, ["127.0.0.1:8080", "[::1]:8080"]);
  assert.deepEqual([both.remarks, both.isUnseen, both.isPartial], [[], false, false]);
  assert.deepEqual(both.commands, [portTableCommand(port), portTableCommand(port)]);
  const four = await told("localhost", { after: listening("127.0.0.1") });
  assert.deepEqual([four.places, four.remarks], [["127.0.0.1:8080"], []], "a server without IPv6");
});

test("A port of the server's choice is looked for among all that listened before.", async () => {
  const { places, commands } = await told("localhost", { askedPort: 0, after: loopbacks });
  assert.deepEqual(places, ["127.0.0.1:8080", "[::1]:8080"]);
  assert.deepEqual(commands, [portTableCommand(0), portTableCommand(port)]);
});

test("With 127.0.0.1 taken, localhost is bound by half: who is in the way is told.", async () => {
  for (const [before, after, said] of [
    [["127.0.0.1"], ["::1"], "the server listens on [::1]:8080 only, for 127.0.0.1:8080 was taken already"],
    [["::1"], ["127.0.0.1"], "the server listens on 127.0.0.1:8080 only, for [::1]:8080 was taken already"],
    [["0.0.0.0"], ["::1"], "the server listens on [::1]:8080 only, for 0.0.0.0:8080 was taken already"],
  ] as const) {
    const half = await told("localhost", { before: listening(...before), after: listening(...after) });
    assert.equal(half.isPartial, true);
    assert.ok(half.remarks[0]?.startsWith(said), half.remarks[0]);
    assert.match(half.remarks[0] ?? "", /who connects there does not reach this forward; another port is the cure$/);
  }
});

test("A program whose many sockets share the taken address is named once, and of many addresses a few are.", async () => {
  const workers = Array.from({ length: 8 }, () => "127.0.0.1");
  const half = await told("localhost", { before: listening(...workers), after: listening("::1") });
  assert.match(half.remarks[0] ?? "", /only, for 127\.0\.0\.1:8080 was taken already/);
  const many = [...Array.from({ length: 200 }, () => "127.0.0.2"), "127.0.0.1", "192.0.2.7", "0.0.0.0"];
  const wide = await told("*", { before: listening(...many), after: listening("::") });
  assert.match(wide.remarks[0] ?? "", /for 127\.0\.0\.2:8080 and 127\.0\.0\.1:8080 and 192\.0\.2\.7:8080 was taken/);
});

test("With 127.0.0.1 taken, all addresses are bound by half, with any GatewayPorts.", async () => {
  const taken = listening("127.0.0.1");
  const wide = await told("*", { before: taken, after: listening("::") });
  assert.equal(wide.isPartial, true);
  assert.match(wide.remarks[0] ?? "", /^the server listens on \[::\]:8080 only, for 127\.0\.0\.1:8080 was taken/);
  assert.match(wide.remarks[1] ?? "", /^others can connect to it: the server listens on \[::\]:8080$/);
  const narrow = await told("*", { before: taken, after: listening("::1") });
  assert.match(narrow.remarks[0] ?? "", /^the server listens on \[::1\]:8080 only, for 127\.0\.0\.1:8080 was taken/);
  assert.match(narrow.remarks[1] ?? "", /^only the server itself can connect to it/);
  const forced = await told("127.0.0.1", { before: taken, after: listening("::"), overridden: true });
  assert.equal(forced.isPartial, true);
});

test("Another program on another address of the port is in nobody's way.", async () => {
  for (const [host, before, after] of [
    ["127.0.0.2", ["127.0.0.1"], ["127.0.0.2"]],
    ["192.0.2.7", ["127.0.0.1", "::1"], ["192.0.2.7"]],
    ["vishnu", ["127.0.0.1"], ["192.0.2.7"]],
    ["localhost", ["192.0.2.7"], ["127.0.0.1", "::1"]],
    ["0.0.0.0", ["::1"], ["0.0.0.0"]],
  ] as const) {
    const { isPartial } = await told(host, { before: listening(...before), after: listening(...after) });
    assert.equal(isPartial, false, `${host} beside ${before}`);
  }
});

test("GatewayPorts yes is told as sshd says it: others can connect.", async () => {
  for (const host of ["localhost", "127.0.0.1"]) {
    const { places, remarks } = await told(host, { after: wildcards, overridden: true });
    assert.deepEqual(places, ["*:8080"]);
    assert.ok(remarks[0]?.includes(`on *:8080 and not only on ${host}:8080, `), remarks[0]);
    assert.match(remarks[0] ?? "", /^others can connect to it: .*"GatewayPorts clientspecified"/);
    const unseen = await told(host, { overridden: true });
    assert.equal(unseen.isUnseen, true);
    assert.match(unseen.remarks[0] ?? "", /^others can connect to it: its .*"GatewayPorts yes"/);
  }
});

test("GatewayPorts no is silent: where the server listens is looked up.", async () => {
  for (const host of ["*", "0.0.0.0", "192.0.2.7", "127.0.0.2", "vishnu"]) {
    const { places, remarks } = await told(host, { after: loopbacks });
    assert.deepEqual(places, ["127.0.0.1:8080", "[::1]:8080"], host);
    const start = `only the server itself can connect to it: it listens on 127.0.0.1:8080 and [::1]:8080 and not on ${host}:8080, `;
    assert.ok(remarks[0]?.startsWith(start), remarks[0]);
    assert.match(remarks[0] ?? "", /"GatewayPorts no".*"GatewayPorts clientspecified"/);
  }
});

test("A bind address that was heeded is told when it is open to the network.", async () => {
  for (const [host, after] of [
    ["*", wildcards],
    ["192.0.2.7", listening("192.0.2.7")],
  ] as const) {
    const { places, remarks } = await told(host, { after });
    assert.deepEqual(places, [`${host}:8080`]);
    assert.deepEqual(remarks, [`others can connect to it: the server listens on ${host}:8080`]);
  }
  const alone = await told("127.0.0.2", { after: listening("127.0.0.2") });
  assert.deepEqual([alone.places, alone.remarks], [["127.0.0.2:8080"], []]);
});

test("Where the server does not tell, no address is claimed.", async () => {
  for (const after of [undefined, "", "This account is not available.\n", "0: x:1F90 y:0 0A\n"]) {
    const { places, remarks, isUnseen } = await told("*", { after });
    assert.deepEqual([places, isUnseen], [["*:8080"], true]);
    assert.match(remarks[0] ?? "", /^others can connect to it, unless .*"GatewayPorts no"/);
    const local = await told("localhost", { after });
    assert.deepEqual([local.remarks, local.isUnseen], [[], true]);
  }
});

test("A loopback address is bound by sshd as it is asked for; of another server that is not certain.", async () => {
  for (const host of ["127.0.0.1", "::1"]) {
    const sure = await told(host, {});
    assert.deepEqual([sure.places, sure.isUnseen], [[formatAddress({ host, port })], false]);
    assert.equal((await told(host, { isOpenSsh: false })).isUnseen, true);
  }
});
