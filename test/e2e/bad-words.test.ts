/** Words that make no sense, typed by a clumsy user: each is named in one line as it was typed, and nothing is connected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { assertFails, assertTold, runToEnd } from "./failure.ts";

builtExecutable();
const limits = { timeout: 60_000 };

interface Row {
  readonly words: readonly string[];
  readonly says: readonly (string | RegExp)[];
}

/** The words of `run`, as one text where none of them holds a blank, and what the error has to say. */
function row(words: string | readonly string[], ...says: readonly (string | RegExp)[]): Row {
  return { words: typeof words === "string" ? words.split(" ") : words, says };
}

/** The same, behind a forward that is fine. */
function rest(words: string | readonly string[], ...says: readonly (string | RegExp)[]): Row {
  const { words: split } = row(words);
  return { words: ["-L", "18080:localhost:80", ...split], says };
}

/** The first row is held to its events too: the way from an error to those is one for all of them. */
async function assertUsage(...rows: readonly Row[]): Promise<void> {
  await Promise.all(
    rows.map(async ({ words, says }, index) => {
      const expected = { exit: 2, code: "usage", says } as const;
      if (index === 0) await assertFails(words, expected);
      else assertTold(await runToEnd(["run", ...words]), expected);
    }),
  );
}

const badPorts = ["0", "65536", "0x50", "-1", "1e3", "+80", "80.0", "８０", "٨٠", "²", "1_000", "99999999999"];

test("A port that is no port is named, with what a port is.", limits, async () => {
  const is = "is not a port (1 to 65535)";
  await assertUsage(
    ...badPorts.map((port) => row(`-L ${port}:ketu:80 host`, `-L ${port}:ketu:80: "${port}" ${is}`)),
    row("-L :ketu:80 host", "-L :ketu:80: the port is missing (1 to 65535)"),
    row("-L no-such:ketu:80 host", '"no-such" is no port (1 to 65535), and no service'),
  );
  const some = badPorts.slice(0, 4);
  await assertUsage(
    ...some.map((port) => row(`-L 8080:ketu:${port} host`, `-L 8080:ketu:${port}: "${port}" ${is}`)),
    ...some.map((port) => rest(`-p ${port} host`, `-p ${port}: "${port}" ${is}`)),
    ...some.map((port) => rest(`host:${port}`, `destination host:${port}: "${port}" ${is}`)),
    ...some.map((port) => rest(`-o Port=${port} host`, "Port", `"${port}" is not a`)),
    rest("-p2222x host", '-p 2222x: "2222x"', is),
    rest("host:", 'nothing follows the ":"'),
  );
});

test("A forward with a part missing, one too many or no sense is named as it was typed.", limits, async () => {
  await assertUsage(
    row(["-L", "", "host"], "-L : "),
    row("-L ::: host", "-L :::"),
    row("-L 8080 host", "-L 8080", "[bind:]port:host:hostport"),
    row("-L8080 host", "-L 8080", "[bind:]port:host:hostport"),
    row("-L 8080:ketu host", "-L 8080:ketu", "8080:localhost:80"),
    row("-L 8080:ketu: host", '-L 8080:ketu:: nothing follows the last ":"'),
    row("-L 8080::80 host", "-L 8080::80: the host is missing"),
    row("-L a:b:c:d:e host", "-L a:b:c:d:e: too many parts", "[::1]"),
    row("-L 8080:[::1:80 host", '-L 8080:[::1:80: "[::1:80" lacks its "]"'),
    row("-L 8080:::1:80 host", "-L 8080:::1:80: too many parts"),
    row("-L 8080:*:80 host", '"*" is no host to connect to'),
    row("-L 8080:-rf:80 host", 'host "-rf" begins with "-"'),
    row(["-L", "8080:a b:80", "host"], 'host "a b" contains " "'),
    row(["-L", " 8080:a:80", "host"], "begins with a space"),
  );
});

test("A flag that nobody knows, or one without its value, is named.", limits, async () => {
  await assertUsage(
    rest("--frobnicate host", "unknown flag --frobnicate"),
    rest("--captrue x host", "unknown flag --captrue (did you mean --capture?)"),
    rest("-Z host", "unknown flag -Z"),
    rest("-NZ host", 'unknown flag -Z in "-NZ"'),
    rest("-json host", "unknown flag -j", "did you mean --json?"),
    rest("--constructor host", "unknown flag --constructor"),
    rest("-é host", "unknown flag -é"),
    rest("--json=yes host", '--json takes no value, but "yes" was given'),
    row("-L", "-L needs a value"),
    rest("host -p", "-p needs a value"),
    rest("host -Np", "-p needs a value"),
    rest("host --capture", "--capture needs a value"),
    rest("host --use", "--use needs a value"),
    rest(["-i", "", "host"], "-i : the file is missing"),
    rest(["-l", "", "host"], "the user is missing"),
  );
});

test("A flag of ssh's that porthop does not have is named, never ignored.", limits, async () => {
  await assertUsage(
    ...[..."ISw"].map((letter) => rest(`-${letter} 1080 host`, `ssh's flag -${letter} (-${letter} 1080)`)),
    rest("-s host sftp", "ssh's flag -s (-s)"),
    rest("-1 host", "-1: version 1 of the protocol is gone"),
    ...[..."OQ"].map((letter) => rest(`-${letter} x host`, `-${letter} makes no tunnel`)),
    ...[..."GV"].map((letter) => rest(`-${letter} host`, `-${letter} makes no tunnel`)),
    rest("-NMS/s host", "ssh's flag -S (-S /s)"),
  );
});

test("An -o keyword that nobody knows, and a value that its keyword cannot have, are named.", limits, async () => {
  await assertUsage(
    rest(["-o", "Tunnel=yes", "host"], "porthop does not have Tunnel (-o Tunnel=yes): no network device is made"),
    rest("-oStrictHostKeyCheking=no host", "did you mean StrictHostKeyChecking?"),
    rest("-o ConnectTimeout host", '-o "ConnectTimeout" is not Keyword=value'),
    rest("-o =5 host", '"=5" is not Keyword=value'),
    rest(["-o", "", "host"], '"" is not Keyword=value'),
    rest("-o ConnectTimeout=soon host", 'ConnectTimeout: "soon" is not a time'),
    rest("-o ServerAliveInterval=-3 host", 'ServerAliveInterval: "-3" is not a time'),
    rest("-o ServerAliveCountMax=many host", 'ServerAliveCountMax: "many" is not a number'),
    rest("-o Compression=maybe host", 'Compression: "maybe" is not one of yes, no'),
    rest("-o StrictHostKeyChecking=perhaps host", "StrictHostKeyChecking", '"perhaps"', "accept-new"),
    rest("-o LogLevel=loud host", 'LogLevel: "loud"'),
    rest("-o User=-x host", 'user "-x" begins with "-"'),
    rest("-o HostName=-oProxyCommand host", 'HostName: host "-oProxyCommand" begins with "-"'),
    rest(["-o", "HostName=a b", "host"], 'HostName: "b" is one word too many'),
    rest(["-o", 'HostName="a b"', "host"], 'HostName: host "a b" contains " "'),
  );
});

test("A destination or user that could be taken for an option or a piece of shell is refused.", limits, async () => {
  await assertUsage(
    row("-L 18080:localhost:80", "no destination"),
    rest([""], "the host is missing"),
    rest(["--", "-oProxyCommand=touch x"], "destination -oProxyCommand=touch x", 'begins with "-"'),
    rest("root@-host", 'destination root@-host: host "-host" begins with "-"'),
    rest("-- -l@host", 'user "-l" begins with "-"'),
    rest("-l -root host", 'user "-root" begins with "-"'),
    rest("a;b@host", 'user "a;b" contains ";"'),
    rest("$(id)@host", 'contains "$"'),
    rest("host;id", 'host "host;id" contains ";"'),
    rest("http://host", "of URIs only ssh:// is a destination"),
    rest("ssh://host/etc", "a path after the host"),
    rest("[::1", '"[::1" lacks its "]"'),
  );
});

test("A password in a destination is refused without being repeated.", limits, async () => {
  const words = ["run", "--json", "-L", "18080:localhost:80", "ssh://alice:hunter2@host"];
  const { stdout, stderr, code } = await runToEnd(words);
  assert.equal(code, 2);
  assert.match(stderr, /a password is not taken from a destination/);
  assert.doesNotMatch(stdout + stderr, /hunter2/);
});

test("--log, --grace and the capture's flags say which of them got nonsense.", limits, async () => {
  await assertUsage(
    rest("--grace nonsense host", '--grace nonsense: "nonsense" is not a duration', "30s"),
    rest("--grace -5s host", '--grace -5s: "-5s"'),
    rest("--grace= host", "--grace : nothing is not a duration"),
    rest("--log nonsense host", "--log nonsense", "silent, error, warn, info, debug"),
    rest("--log= host", "--log :"),
    rest("--capture-legs 1 host", "--capture-legs needs --capture"),
    rest("--capture-snaplen 64 host", "--capture-snaplen needs --capture"),
  );
});

test("Without any word the commands are shown, and the exit code is that of wrong usage.", limits, async () => {
  const { code, stdout, stderr } = await runToEnd([]);
  assert.deepEqual([code, stderr], [2, ""]);
  assert.match(stdout, /Usage:\n {2}\$ porthop <command> \[flags\]/);
});

test("Commands that do not exist and words that a command does not take are named.", limits, async () => {
  const usage = { exit: 2, code: "usage" } as const;
  assertTold(await runToEnd(["rnu"]), { ...usage, says: ['"rnu"', "did you mean run?"] });
  assertTold(await runToEnd(["-L", "1:h:2", "host"]), { ...usage, says: ['"-L"'] });
  assertTold(await runToEnd([""]), { ...usage, says: ['""'] });
  assertTold(await runToEnd(["demo", "now"]), { ...usage, says: ["unexpected word now"] });
  assertTold(await runToEnd(["demo", "--kep"]), { ...usage, says: ["--kep", "did you mean --keep?"] });
  assertTold(await runToEnd(["plugins", "--all"]), { ...usage, says: ["--all"] });
  assertTold(await runToEnd(["run"]), { ...usage, says: ["no destination"] });
  assertTold(await runToEnd(["run", "host"]), { ...usage, says: ["-L is missing"] });
  const missing = { exit: 1, code: "plugin.not-found" } as const;
  assertTold(await runToEnd(["plugins", "limt"]), { ...missing, says: ['"limt"', "did you mean limit?"] });
});
