import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isUnix } from "../../../../src/codec/address.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { slashFields } from "../../../../src/codec/words/forward-fields.ts";
import {
  type ForwardFlag,
  type ForwardSpec,
  forwardFlag,
  listenAddress,
  parseForwardSpec,
  printForwardSpec,
} from "../../../../src/codec/words/forward-spec.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");

const flags = ["L", "R", "D", "W"] as const;
const web = { host: "web", port: 80 };

function at(port: number, bind?: string): { bind: string | undefined; port: number } {
  return { bind, port };
}

/** Without the side, which the flag tells. */
type Sideless<S> = S extends unknown ? Omit<S, "side"> : never;
type Row = readonly [flag: ForwardFlag, text: string, spec: Sideless<ForwardSpec>, printed?: string];

/** Text, its value, and the text it is printed as where that differs. */
const understood: readonly Row[] = [
  ["L", "8080:web:80", { kind: "local", listen: at(8080), connect: web }],
  ["L", ":8080:web:80", { kind: "local", listen: at(8080, ""), connect: web }],
  ["L", "*:8080:web:80", { kind: "local", listen: at(8080, "*"), connect: web }],
  ["L", "[]:8080:web:80", { kind: "local", listen: at(8080, ""), connect: web }, ":8080:web:80"],
  ["L", "127.0.0.1:8080:web:80", { kind: "local", listen: at(8080, "127.0.0.1"), connect: web }],
  [
    "L",
    "[::1]:8080:[fe80::1%eth0]:80",
    { kind: "local", listen: at(8080, "::1"), connect: { host: "fe80::1%eth0", port: 80 } },
  ],
  [
    "L",
    "[localhost]:8080:[web]:80",
    { kind: "local", listen: at(8080, "localhost"), connect: web },
    "localhost:8080:web:80",
  ],
  ["L", "08080:web:0080", { kind: "local", listen: at(8080), connect: web }, "8080:web:80"],
  ["L", "8080:/run/web.sock", { kind: "local", listen: at(8080), connect: { path: "/run/web.sock" } }],
  ["L", "*:8080:/run/web.sock", { kind: "local", listen: at(8080, "*"), connect: { path: "/run/web.sock" } }],
  ["L", "/tmp/a.sock:web:80", { kind: "local", listen: { path: "/tmp/a.sock" }, connect: web }],
  ["L", "./a.sock:web:80", { kind: "local", listen: { path: "./a.sock" }, connect: web }],
  [
    "L",
    "/tmp/a.sock:/run/web.sock",
    { kind: "local", listen: { path: "/tmp/a.sock" }, connect: { path: "/run/web.sock" } },
  ],
  ["L", "/a\\:b\\\\c:/d e", { kind: "local", listen: { path: "/a:b\\c" }, connect: { path: "/d e" } }],
  ["L", "[/a:b]:web:80", { kind: "local", listen: { path: "/a:b" }, connect: web }, "/a\\:b:web:80"],
  ["L", "8080:h/80", { kind: "local", listen: at(8080), connect: { path: "h/80" } }],
  ["L", "8080/web/80", { kind: "local", listen: at(8080), connect: web }, "8080:web:80"],
  [
    "L",
    "127.0.0.1/8080/web/80",
    { kind: "local", listen: at(8080, "127.0.0.1"), connect: web },
    "127.0.0.1:8080:web:80",
  ],
  [
    "L",
    "::1/8080/::1/80",
    { kind: "local", listen: at(8080, "::1"), connect: { host: "::1", port: 80 } },
    "[::1]:8080:[::1]:80",
  ],
  ["R", "8080:web:80", { kind: "remote", listen: at(8080), connect: web }],
  ["R", "0:web:80", { kind: "remote", listen: at(0), connect: web }],
  ["R", "*:0:web:80", { kind: "remote", listen: at(0, "*"), connect: web }],
  ["R", "/run/r.sock:web:80", { kind: "remote", listen: { path: "/run/r.sock" }, connect: web }],
  [
    "R",
    "/run/r.sock:/tmp/l.sock",
    { kind: "remote", listen: { path: "/run/r.sock" }, connect: { path: "/tmp/l.sock" } },
  ],
  ["R", "8080:/tmp/l.sock", { kind: "remote", listen: at(8080), connect: { path: "/tmp/l.sock" } }],
  ["R", "0", { kind: "reverse-dynamic", listen: at(0), connect: undefined }],
  ["R", "1080", { kind: "reverse-dynamic", listen: at(1080), connect: undefined }],
  ["R", "[::]:1080", { kind: "reverse-dynamic", listen: at(1080, "::"), connect: undefined }],
  ["R", ":1080", { kind: "reverse-dynamic", listen: at(1080, ""), connect: undefined }],
  ["R", "/run/socks.sock", { kind: "reverse-dynamic", listen: { path: "/run/socks.sock" }, connect: undefined }],
  ["D", "1080", { kind: "dynamic", listen: at(1080), connect: undefined }],
  ["D", "*:1080", { kind: "dynamic", listen: at(1080, "*"), connect: undefined }],
  ["D", "localhost:1080", { kind: "dynamic", listen: at(1080, "localhost"), connect: undefined }],
  ["D", "/tmp/socks.sock", { kind: "dynamic", listen: { path: "/tmp/socks.sock" }, connect: undefined }],
  ["D", "[b/1080]", { kind: "dynamic", listen: { path: "b/1080" }, connect: undefined }],
  ["D", "b/1080", { kind: "dynamic", listen: at(1080, "b"), connect: undefined }, "b:1080"],
  ["W", "web:80", { kind: "stdio", listen: undefined, connect: web }],
  ["W", "[::1]:80", { kind: "stdio", listen: undefined, connect: { host: "::1", port: 80 } }],
  ["W", "web/80", { kind: "stdio", listen: undefined, connect: web }, "web:80"],
  ["W", "/run/db.sock", { kind: "stdio", listen: undefined, connect: { path: "/run/db.sock" } }],
];

const withSide = (spec: Row[2]) =>
  ({ ...spec, side: forwardFlag(spec.kind) === "R" ? "server" : "here" }) as ForwardSpec;

for (const [flag, text, sideless, printed] of understood) {
  test(`-${flag} ${text} is understood, printed and understood again`, () => {
    const spec = withSide(sideless);
    assert.deepEqual(parseForwardSpec(flag, text), spec);
    assert.equal(printForwardSpec(spec), printed ?? text);
    assert.deepEqual(parseForwardSpec(forwardFlag(spec.kind), printForwardSpec(spec)), spec);
  });
}

const shape = {
  L: "expected [bind:]port:host:hostport, for example 8080:localhost:80",
  R: "expected [bind:]port:host:hostport, for example 8080:localhost:80, or [bind:]port for SOCKS",
  D: "expected [bind:]port, for example 1080",
  W: "expected host:port, for example db.internal:5432",
};

const tooMany = `too many parts; an IPv6 address goes in brackets: [::1]; ${shape.L}`;

const refused: readonly (readonly [flag: ForwardFlag, text: string, reason: string])[] = [
  ["L", "3456:ketu:0x50", '"0x50" is not a port (1 to 65535)'],
  ["L", "+80:web:80", '"+80" is not a port (1 to 65535)'],
  ["L", "8080:web: 80", '" 80" is not a port (1 to 65535)'],
  ["L", " 8080:web:80", "it begins with a space"],
  ["L", "0:web:80", '"0" is not a port (1 to 65535)'],
  ["L", "8080:web:65536", '"65536" is not a port (1 to 65535)'],
  ["L", "8080:web:http", '"http" is a name, not a port: give the service\'s number (1 to 65535)'],
  ["L", "8080::80", "the host is missing"],
  ["L", "8080:*:80", '"*" is no host to connect to'],
  ["L", "8080:-oProxyCommand:80", 'host "-oProxyCommand" begins with "-"'],
  ["L", "-h:8080:web:80", 'host "-h" begins with "-"'],
  ["L", "8080:a b:80", 'host "a b" contains " "'],
  ["L", "8080:we\0b:80", 'host "we\\x00b" contains "\\x00"'],
  ["L", "8080:\x1b[2J:80", 'host "\\x1b[2J" contains "\\x1b"'],
  ["L", "8080:web:80:", 'nothing follows the last ":"'],
  ["L", "8080:web:", 'nothing follows the last ":"'],
  ["L", "1:2:3:4:5", tooMany],
  ["L", "::1:8080:web:80", tooMany],
  ["L", "8080", `a part is missing or one too many; ${shape.L}`],
  ["L", "8080:web", `a part is missing or one too many; ${shape.L}`],
  ["L", "/tmp/a.sock", `a part is missing or one too many; ${shape.L}`],
  ["L", "", `a part is missing or one too many; ${shape.L}`],
  ["L", "80:b:/x", '"b" is a name, not a port: give the service\'s number (1 to 65535)'],
  ["L", "8080:/x:80", 'host "/x" contains "/"'],
  ["L", "8080:[::1:80", '"[::1:80" lacks its "]"'],
  ["L", "[::1]8080:web:80", '"[::1]8080:web:80" goes on after the "]" without a ":"'],
  ["L", "[1:2]:8080:web:80", '"1:2" is not an IPv6 address'],
  ["L", "8080:/a\nb", 'path "/a\\nb" contains a control character'],
  ["L", `8080:/${"x".repeat(107)}`, `path "/${"x".repeat(78)}…" is longer than 107 bytes`],
  ["R", "-1:web:80", '"-1" is not a port (0 to 65535)'],
  ["R", "8080:web:0", '"0" is not a port (1 to 65535)'],
  ["R", "/a:80", `a part is missing or one too many; ${shape.R}`],
  ["R", "", "the port is missing (0 to 65535)"],
  ["D", "0", '"0" is not a port (1 to 65535)'],
  ["D", "1080:web:80", `a part is missing or one too many; ${shape.D}`],
  ["D", "socks", '"socks" is a name, not a port: give the service\'s number (1 to 65535)'],
  ["D", "/a:/b", 'host "/a" contains "/"'],
  ["W", "80", `a part is missing or one too many; ${shape.W}`],
  ["W", ":80", "the host is missing"],
  ["W", "web:0", '"0" is not a port (1 to 65535)'],
];

for (const [flag, text, reason] of refused) {
  test(`-${flag} ${JSON.stringify(text.slice(0, 40))} is refused: ${reason}`, () => {
    assert.throws(
      () => parseForwardSpec(flag, text),
      (error) =>
        error instanceof Malformed && error.message.startsWith(`-${flag} `) && error.message.endsWith(`: ${reason}`),
    );
  });
}

test("A path may have 107 bytes and no more", () => {
  const path = `/${"ä".repeat(53)}`;
  assert.deepEqual(parseForwardSpec("W", path).connect, { path });
  assert.throws(() => parseForwardSpec("W", `${path}x`), Malformed);
});

test("Without a bind address a forward listens on this machine only, and with -g on all interfaces", () => {
  const local = parseForwardSpec("L", "8080:web:80");
  assert.deepEqual(listenAddress(local), { host: "localhost", port: 8080 });
  assert.deepEqual(listenAddress(local, true), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("D", "1080"), true), { host: "*", port: 1080 });
});

test("-g does not open a listener on the server", () => {
  assert.deepEqual(listenAddress(parseForwardSpec("R", "8080:web:80"), true), { host: "localhost", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("R", "1080"), true), { host: "localhost", port: 1080 });
});

test("An empty bind address and a star mean all interfaces, and any other stays as it is", () => {
  assert.deepEqual(listenAddress(parseForwardSpec("L", ":8080:web:80")), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("R", "*:8080:web:80")), { host: "*", port: 8080 });
  assert.deepEqual(listenAddress(parseForwardSpec("D", "[::1]:1080"), true), { host: "::1", port: 1080 });
  assert.deepEqual(listenAddress(parseForwardSpec("L", "/a.sock:web:80"), true), { path: "/a.sock" });
  assert.equal(listenAddress(parseForwardSpec("W", "web:80")), undefined);
});

/** A plain object, as a parser makes it. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

const hosts = fc.constantFrom("web", "db.internal", "10.0.0.1", "::1", "2001:db8::1", "fe80::1%eth0", "_x-1");
const ports = fc.integer({ min: 1, max: 65535 });
const paths = fc
  .string({ unit: fc.constantFrom("/", ":", "\\", "[", "]", " ", "a", "0", ".", "ß", "🚢"), maxLength: 20 })
  .chain((tail) => fc.constantFrom(`/${tail}`, `./${tail}`, `[${tail}/`, `\\/${tail}`, `b/80${tail}`))
  // ssh and porthop skip or refuse a blank in front of the whole text.
  .filter((path) => !path.startsWith(" "));
const path = paths.map((text) => ({ path: text }));
const binds = fc.oneof(fc.constantFrom(undefined, "", "*", "localhost"), hosts);
const listens = fc.oneof(record({ bind: binds, port: ports }), path);
const connects = fc.oneof(record({ host: hosts, port: ports }), path);
const [here, server] = [fc.constant("here" as const), fc.constant("server" as const)];
const nowhere = fc.constant(undefined);
const specs: fc.Arbitrary<ForwardSpec> = fc.oneof(
  record({ kind: fc.constant("local"), side: here, listen: listens, connect: connects }),
  record({ kind: fc.constant("remote"), side: server, listen: listens, connect: connects }),
  record({ kind: fc.constant("dynamic"), side: here, listen: listens, connect: nowhere }),
  record({ kind: fc.constant("reverse-dynamic"), side: server, listen: listens, connect: nowhere }),
  record({ kind: fc.constant("stdio"), side: here, listen: nowhere, connect: connects }),
);

test("Every forward that is printed is parsed back to itself", () => {
  fc.assert(
    fc.property(specs, (spec) => {
      assert.deepEqual(parseForwardSpec(forwardFlag(spec.kind), printForwardSpec(spec)), spec);
    }),
    { numRuns: 2000 },
  );
});

test("Random text is refused, or is a forward that survives being printed", () => {
  const pieces = hostileText(":", "/", "\\", "[", "]", "80", "0", "::1", "web", "*", "-", " ", "65536");
  fc.assert(
    fc.property(fc.constantFrom(...flags), pieces, (flag, text) => {
      const spec = readOrRefused(() => parseForwardSpec(flag, text));
      if (spec === undefined) return;
      assert.equal(forwardFlag(spec.kind), flag);
      assert.deepEqual(parseForwardSpec(flag, printForwardSpec(spec)), spec);
    }),
    { numRuns: 5000 },
  );
});

test("Endless text is refused at once", () => {
  for (const flag of flags) {
    assertFastOnLongText((text) => parseForwardSpec(flag, text), ":", "/", "\\", "[", "80:", "1/", "a", " ");
  }
});

/** The lines `ssh -G` would print for what we understood (readconf.c, dump_cfg_forwards). */
function asSshSaysIt(spec: ForwardSpec): string[] {
  if (spec.kind === "stdio") return [];
  const { listen } = spec;
  const bound =
    "path" in listen ? listen.path : listen.bind === undefined ? `${listen.port}` : `[${listen.bind}]:${listen.port}`;
  if (spec.kind === "dynamic") return [`dynamicforward ${bound}`];
  if (spec.kind === "reverse-dynamic") return [`remoteforward ${bound} [socks]:0`];
  const { connect } = spec;
  if (!isUnix(connect)) return [`${spec.kind}forward ${bound} [${connect.host}]:${connect.port}`];
  // A local forward to a socket is listed among the dynamic ones too, for it has no connect_host either.
  const twice = spec.kind === "local" ? [`dynamicforward ${bound}`] : [];
  return [...twice, `${spec.kind}forward ${bound} ${connect.path}`];
}

async function whatSshUnderstands(args: readonly string[]): Promise<string[]> {
  const { stdout } = await run("ssh", ["-G", "-F", "none", ...args, "host"]);
  return stdout.split("\n").filter((line) => /^(local|remote|dynamic)forward /.test(line));
}

/** Only the ssh of old took `b/80/h/80`; today's refuses it, or makes it the path of a socket in whatever directory. */
const slashed = (text: string) => slashFields(text) !== undefined;

for (const [flag, text, spec] of understood) {
  if (flag === "W" || slashed(text)) continue;
  test(`ssh understands -${flag} ${text} as we do`, { skip: noSsh }, async () => {
    assert.deepEqual(await whatSshUnderstands([`-${flag}`, text]), asSshSaysIt(withSide(spec)));
  });
}

test("ssh understands all that is printed as we do", { skip: noSsh }, async () => {
  const sampled = fc.sample(specs, { numRuns: 1500, seed: 20 }).filter((spec) => spec.kind !== "stdio");
  // ssh drops what is repeated.
  const byListener = new Map(sampled.map((spec) => [`${forwardFlag(spec.kind)} ${JSON.stringify(spec.listen)}`, spec]));
  const unique = [...byListener.values()];
  assert.ok(unique.length > 500);
  const args = unique.flatMap((spec) => [`-${forwardFlag(spec.kind)}`, printForwardSpec(spec)]);
  const understoodBySsh = await whatSshUnderstands(args);
  assert.deepEqual(understoodBySsh.toSorted(), unique.flatMap(asSshSaysIt).toSorted());
});

/** ssh takes these: a port with a sign or blank, a last colon, hosts that are none. */
const stricterThanSsh = new Set([
  "+80:web:80",
  "8080:web: 80",
  " 8080:web:80",
  "8080::80",
  "8080:*:80",
  "8080:-oProxyCommand:80",
  "-h:8080:web:80",
  "8080:a b:80",
  "8080:\x1b[2J:80",
  "8080:web:80:",
  "8080:/x:80",
  "[1:2]:8080:web:80",
  "8080:/a\nb",
  "/a:80",
  "/a:/b",
]);

for (const [flag, text] of refused) {
  // Whether ssh knows a service by its name depends on the machine's /etc/services.
  if (flag === "W" || text.includes("\0") || /http|socks/.test(text)) continue;
  const sshTakesIt = stricterThanSsh.has(text);
  test(`ssh ${sshTakesIt ? "takes, and we do not," : "refuses too"} -${flag} ${JSON.stringify(text.slice(0, 40))}`, {
    skip: noSsh,
  }, async () => {
    assert.equal((await whatSshUnderstands([`-${flag}`, text])).length > 0, sshTakesIt);
  });
}
