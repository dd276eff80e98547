import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { askPort, readListening, readSocketTable } from "../../../../src/codec/capture/socket-table.ts";
import { ipBytes } from "../../../../src/codec/ip-bytes.ts";
import { assertFastOnLongText, hostileText } from "../../../kit/hostile-text.ts";

/** Only Linux shows its sockets in /proc. */
const linux = { skip: process.platform !== "linux" && "needs /proc/net/tcp", timeout: 20_000 };

/** A line as Linux prints it. */
function line(local: string, remote: string, state: string, uid = "1000", inode = "81234"): string {
  return `   3: ${local} ${remote} ${state} 00000000:00000000 02:000A7A9B 00000000  ${uid}        0 ${inode} 2 0000000000000000 20 4 30 10 -1`;
}

test("An IPv4 row says both ends, that it lives, and whose it is.", () => {
  const { rows, own } = readSocketTable([line("0100007F:80FA", "0200000A:1538", "01", "33", "4711")]);
  assert.deepEqual(rows, [
    {
      local: { host: "127.0.0.1", port: 33_018 },
      remote: { host: "10.0.0.2", port: 5432 },
      established: true,
      uid: 33,
      inode: "4711",
    },
  ]);
  assert.equal(own.size, 0);
});

for (const [hex, host] of [
  ["00000000000000000000000001000000", "::1"],
  ["00000000000000000000000000000000", "::"],
  ["B80D0120000000000000000001000000", "2001:db8::1"],
  ["B80D0120010002000300040005000600", "2001:db8:2:1:4:3:6:5"],
  ["000080FE00000000FF005450B6AD1DFE", "fe80::5054:ff:fe1d:adb6"],
  ["0000000000000100010000000000000A", "::1:0:0:1:a00:0"],
  // An IPv4 address on an IPv6 socket.
  ["0000000000000000FFFF00000100007F", "127.0.0.1"],
  ["0000000000000000FFFF00000303000A", "10.0.3.3"],
  // Only the prefix ffff makes it one.
  ["0000000000000000000000000100007F", "::7f00:1"],
] as const) {
  test(`An IPv6 row's ${hex} is ${host}.`, () => {
    const [row] = readSocketTable([line(`${hex}:0016`, `${hex}:FFFF`, "01")]).rows;
    assert.deepEqual(row?.local, { host, port: 22 });
    assert.deepEqual(row?.remote, { host, port: 65_535 });
  });
}

for (const [state, name, shown] of [
  ["01", "ESTABLISHED", true],
  ["02", "SYN-SENT", undefined],
  ["03", "SYN-RECV", undefined],
  ["04", "FIN-WAIT-1", false],
  ["05", "FIN-WAIT-2", false],
  ["06", "TIME-WAIT", false],
  ["07", "CLOSE", false],
  ["08", "CLOSE-WAIT", false],
  ["09", "LAST-ACK", false],
  ["0A", "LISTEN", undefined],
  ["0B", "CLOSING", false],
  ["0C", "NEW-SYN-RECV", undefined],
] as const) {
  const what = shown === undefined ? "no connection" : shown ? "a connection that lives" : "one that is over";
  test(`A socket in ${name} is ${what}.`, () => {
    const { rows } = readSocketTable([line("0100007F:80FA", "0100007F:0050", state)]);
    assert.deepEqual(
      rows.map(({ established }) => established),
      shown === undefined ? [] : [shown],
    );
  });
}

test("The sockets of sshd's own process are those of its file descriptors.", () => {
  const { rows, own } = readSocketTable(["socket:[81234]", line("0100007F:80FA", "0100007F:0050", "01"), "socket:[5]"]);
  assert.deepEqual([...own], ["81234", "5"]);
  assert.equal(own.has(rows[0]?.inode ?? ""), true);
});

test("A question is the port as the table shows it: four digits of hex.", () => {
  assert.deepEqual([22, 80, 5432, 65_535].map(askPort), ["0016\n", "0050\n", "1538\n", "FFFF\n"]);
});

for (const text of [
  "",
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
  "Welcome to vishnu!",
  "socket:[]",
  "socket:[12",
  " socket:[12]",
  "socket:[12] socket:[13]",
  line("0100007F:80FA", "0100007F:0050", "01").replace("81234", "").trimEnd().slice(0, 60),
  line("0100007f:80fa", "0100007F:0050", "01"),
  line("0100007F:80FAA", "0100007F:0050", "01"),
  line("0100007:80FA", "0100007F:0050", "01"),
  line("0100007F0:80FA", "0100007F:0050", "01"),
  line("-100007F:80FA", "0100007F:0050", "01"),
  line("0100007F:80FA", "", "01"),
]) {
  test(`A line that is no row is passed over: ${JSON.stringify(text.slice(0, 60))}.`, () => {
    const good = line("0200007F:0001", "0300007F:0002", "01");
    const { rows, own } = readSocketTable([text, good]);
    assert.deepEqual([rows.length, rows[0]?.local.host, own.size], [1, "127.0.0.2", 0]);
  });
}

test("Whatever a server prints, what comes out is addresses and ports.", () => {
  const hostile = hostileText("0100007F:80FA", "01", " ", ":", "socket:[", "]", "00000000", "1000");
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          hostile,
          hostile.map((text) => line(text, "0100007F:0050", "01")),
        ),
      ),
      (lines) => {
        const { rows, own } = readSocketTable(lines);
        for (const { local, remote } of rows) {
          for (const { host, port } of [local, remote]) {
            assert.ok(isIP(host) !== 0 && Number.isInteger(port) && port >= 0 && port <= 65_535);
          }
        }
        for (const inode of own) assert.match(inode, /^\d+$/);
      },
    ),
  );
});

test("Any address that the kernel prints is read as that address.", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Rows of zeros, for the shortest way to write them.
    fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((each) => Uint8Array.from(each)),
  );
  fc.assert(
    fc.property(bytes, fc.nat(65_535), (ip, port) => {
      // In words of four bytes, each in the machine's order.
      let hex = "";
      for (let at = 0; at < ip.length; at += 4) hex += Buffer.from(ip.slice(at, at + 4).reverse()).toString("hex");
      const end = `${hex.toUpperCase()}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
      const [row] = readSocketTable([line(end, end, "01")]).rows;
      const isMapped = ip.length === 16 && Buffer.from(ip.slice(0, 12)).toString("hex") === "00000000000000000000ffff";
      assert.deepEqual(ipBytes(row?.local.host ?? ""), isMapped ? ip.slice(12) : ip);
      assert.equal(row?.remote.port, port);
    }),
  );
});

test("Very long lines are read in no time.", () => {
  assertFastOnLongText((text) => readSocketTable([text, line(text, text, text)]), " ", "0", "socket:[1", "a b ");
});

test("The kernel's own table shows a connection of this process.", linux, async () => {
  await using pair = await loopbackPair();
  const { rows } = readSocketTable(readFileSync("/proc/net/tcp", "latin1").split("\n"));
  // A port that was another connection's a moment ago is still in the table, in TIME-WAIT, with that one's other end.
  const row = rows.find(({ local, remote }) => local.port === pair.clientPort && remote.port === pair.serverPort);
  assert.deepEqual([row?.local.host, row?.remote.host], ["127.0.0.1", "127.0.0.1"]);
  assert.deepEqual([row?.established, row?.uid], [true, process.getuid?.()]);
});

/** Two sockets of this process that are connected with each other. */
async function loopbackPair() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const serverPort = (server.address() as AddressInfo).port;
  const accepted = new Promise<void>((resolve) => server.once("connection", () => resolve()));
  const client = connect(serverPort, "127.0.0.1");
  await Promise.all([accepted, new Promise<void>((resolve) => client.once("connect", () => resolve()))]);
  return {
    serverPort,
    clientPort: client.localPort,
    async [Symbol.asyncDispose]() {
      client.resetAndDestroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("Who listens on a port is told from connections to it, and from other ports.", () => {
  const lines = [
    line("0100007F:1F90", "00000000:0000", "0A"),
    line("00000000000000000000000001000000:1F90", "00000000000000000000000000000000:0000", "0A"),
    line("00000000:1F91", "00000000:0000", "0A"),
    line("0200000A:1F90", "0300000A:C350", "01"),
    line("0200000A:C351", "0300000A:1F90", "01"),
    "  sl  local_address rem_address   st",
    "",
    "9: nonsense 0A 0A",
  ];
  const rows = readListening(lines);
  assert.deepEqual(
    rows.map(({ host, port }) => `${host} ${port}`),
    ["127.0.0.1 8080", "::1 8080", "0.0.0.0 8081"],
  );
  assert.equal(new Set(rows.map(({ inode }) => inode)).has(""), false);
});
