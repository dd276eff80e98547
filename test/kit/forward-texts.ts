/**
 * What stands behind -L, -R, -D and -W: texts with what they mean, texts that are refused, and random ones.
 * Our own reader is held to them, and so is ssh.
 */
import fc from "fast-check";
import type { ForwardFlag, ForwardSpec } from "../../src/codec/words/forward-spec.ts";

const web = { host: "web", port: 80 };

function at(port: number, bind?: string): { bind: string | undefined; port: number } {
  return { bind, port };
}

/** Without the side, which the flag tells. */
type Sideless<S> = S extends unknown ? Omit<S, "side"> : never;
type Row = readonly [flag: ForwardFlag, text: string, spec: Sideless<ForwardSpec>, printed?: string];

const rows: readonly Row[] = [
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
  ["L", "8080:web:http", { kind: "local", listen: at(8080), connect: web }, "8080:web:80"],
  ["L", "*:http-alt:web:http", { kind: "local", listen: at(8080, "*"), connect: web }, "*:8080:web:80"],
  ["L", "http-alt:/run/x", { kind: "local", listen: at(8080), connect: { path: "/run/x" } }, "8080:/run/x"],
  ["R", "http-alt:web:http", { kind: "remote", listen: at(8080), connect: web }, "8080:web:80"],
  ["R", "socks", { kind: "reverse-dynamic", listen: at(1080), connect: undefined }, "1080"],
  ["D", "[::]:socks", { kind: "dynamic", listen: at(1080, "::"), connect: undefined }, "[::]:1080"],
  ["W", "web:http", { kind: "stdio", listen: undefined, connect: web }, "web:80"],
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

const shape = {
  L: "expected [bind:]port:host:hostport, for example 8080:localhost:80",
  R: "expected [bind:]port:host:hostport, for example 8080:localhost:80, or [bind:]port for SOCKS",
  D: "expected [bind:]port, for example 1080",
  W: "expected host:port, for example db.internal:5432",
};

const tooMany = `too many parts; an IPv6 address goes in brackets: [::1]; ${shape.L}`;

export const refused: readonly (readonly [flag: ForwardFlag, text: string, reason: string])[] = [
  ["L", "3456:ketu:0x50", '"0x50" is not a port (1 to 65535)'],
  ["L", "+80:web:80", '"+80" is not a port (1 to 65535)'],
  ["L", "8080:web: 80", '" 80" is not a port (1 to 65535)'],
  ["L", " 8080:web:80", "it begins with a space"],
  ["L", "0:web:80", '"0" is not a port (1 to 65535)'],
  ["L", "8080:web:65536", '"65536" is not a port (1 to 65535)'],
  ["L", "8080:web:no-such", '"no-such" is no port (1 to 65535), and no service that this machine knows'],
  ["L", "8080:web:HTTP", '"HTTP" is no port (1 to 65535), and no service that this machine knows'],
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
  ["L", "80:b:/x", '"b" is no port (1 to 65535), and no service that this machine knows'],
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
  ["D", "sock", '"sock" is no port (1 to 65535), and no service that this machine knows'],
  ["D", "/a:/b", 'host "/a" contains "/"'],
  ["W", "80", `a part is missing or one too many; ${shape.W}`],
  ["W", ":80", "the host is missing"],
  ["W", "web:0", '"0" is not a port (1 to 65535)'],
];

/** A text, what the text means, and the text that is printed where that is another one. */
export const understood = rows.map(([flag, text, spec, printed]) => {
  const side = flag === "R" ? "server" : "here";
  return [flag, text, { ...spec, side } as ForwardSpec, printed] as const;
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
export const path = paths.map((text) => ({ path: text }));

const binds = fc.oneof(fc.constantFrom(undefined, "", "*", "localhost"), hosts);
const listens = fc.oneof(record({ bind: binds, port: ports }), path);
const connects = fc.oneof(record({ host: hosts, port: ports }), path);
const [here, server] = [fc.constant("here" as const), fc.constant("server" as const)];
const nowhere = fc.constant(undefined);
export const specs: fc.Arbitrary<ForwardSpec> = fc.oneof(
  record({ kind: fc.constant("local"), side: here, listen: listens, connect: connects }),
  record({ kind: fc.constant("remote"), side: server, listen: listens, connect: connects }),
  record({ kind: fc.constant("dynamic"), side: here, listen: listens, connect: nowhere }),
  record({ kind: fc.constant("reverse-dynamic"), side: server, listen: listens, connect: nowhere }),
  record({ kind: fc.constant("stdio"), side: here, listen: nowhere, connect: connects }),
);
