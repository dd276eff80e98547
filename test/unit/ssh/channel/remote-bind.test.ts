import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress } from "../../../../src/codec/address.ts";
import { portTableCommand } from "../../../../src/codec/capture/socket-table.ts";
import { bindHost, overriddenBind, whereBound } from "../../../../src/ssh/channel/remote-bind.ts";

const port = 8080;

/** The way to a server that prints this table when it is asked, or runs no commands. */
function serverThat(table: string | undefined) {
  const commands: string[] = [];
  const output = async (command: string) => {
    commands.push(command);
    return table;
  };
  return { commands, gate: { output } };
}

/** A row of /proc/net/tcp in state LISTEN on port 8080. */
const listen = (address: string) => `  0: ${address}:1F90 ${"0".repeat(address.length)}:0000 0A 0:0 0:0 0 0 0 1\n`;
const loopbacks = listen("0100007F") + listen("00000000000000000000000001000000");
const wildcards = listen("00000000") + listen("0".repeat(32));

async function told(host: string, table: string | undefined, overridden = false) {
  const { gate, commands } = serverThat(table);
  const { addresses, remarks } = await whereBound(gate, { host, port }, overridden);
  assert.ok(remarks.length <= 1);
  return { places: addresses.map(formatAddress), remark: remarks[0] ?? "", asked: commands };
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

test("Loopback as sshd always heeds it is not asked about, and is nothing to remark.", async () => {
  for (const host of ["localhost", "127.0.0.1", "::1"]) {
    assert.deepEqual(await told(host, loopbacks), { places: [formatAddress({ host, port })], remark: "", asked: [] });
  }
});

test("GatewayPorts yes is told as sshd says it: others can connect.", async () => {
  const { places, remark, asked } = await told("localhost", loopbacks, true);
  assert.deepEqual([places, asked], [["*:8080"], []]);
  assert.match(remark, /^others can connect to it: .* not only on localhost:8080, .*"GatewayPorts clientspecified"/);
});

test("GatewayPorts no is silent: where the server listens is looked up.", async () => {
  for (const host of ["*", "0.0.0.0", "192.0.2.7", "127.0.0.2", "vishnu"]) {
    const { places, remark, asked } = await told(host, loopbacks);
    assert.deepEqual([places, asked], [["127.0.0.1:8080", "[::1]:8080"], [portTableCommand(port)]], host);
    const start = `only the server itself can connect to it: it listens on 127.0.0.1:8080 and [::1]:8080 and not on ${host}:8080, `;
    assert.ok(remark.startsWith(start), remark);
    assert.match(remark, /"GatewayPorts no".*"GatewayPorts clientspecified"/);
  }
});

test("A bind address that was heeded is told when it is open to the network.", async () => {
  for (const [host, table] of [
    ["*", wildcards],
    ["192.0.2.7", listen("070200C0")],
  ] as const) {
    const { places, remark } = await told(host, table);
    assert.deepEqual(places, [`${host}:8080`]);
    assert.equal(remark, `others can connect to it: the server listens on ${host}:8080`);
  }
  const alone = await told("127.0.0.2", listen("0200007F"));
  assert.deepEqual([alone.places, alone.remark], [["127.0.0.2:8080"], ""]);
});

test("Where the server does not tell, the doubt is told.", async () => {
  for (const table of [undefined, "", "This account is not available.\n", "0: x:1F90 y:0 0A\n"]) {
    const { places, remark } = await told("*", table);
    assert.deepEqual(places, ["*:8080"]);
    assert.match(remark, /^others can connect to it: the server listens on \*:8080, unless .*"GatewayPorts no"/);
  }
});
