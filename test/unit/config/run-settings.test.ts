import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { longestTimerMs } from "../../../src/config/file/keyword-record.ts";
import { resolveTunnel } from "../../../src/config/resolved-tunnel.ts";
import { porthopFlags, sshFlags } from "../../../src/config/run-flags.ts";
import { type RunSettings, readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { porthopWords } from "../../../src/tunnel/porthop-command.ts";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";
import { rounds } from "../../kit/effort.ts";
import { hostileText } from "../../kit/hostile-text.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

/** A line as a shell without quotes would cut it, or its words. */
function read(line: string | readonly string[]): RunSettings {
  return readRunSettings(typeof line === "string" ? line.split(" ") : line);
}

function refusal(line: string | readonly string[]): PorthopError {
  try {
    read(line);
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return error;
  }
  throw new Error(`nothing was wrong with ${JSON.stringify(line)}`);
}

const chain = (settings: RunSettings) =>
  settings.plugins.map(({ name, options }) => [name, ...[...options].map((pair) => pair.join("="))].join(" "));

test("Without any flag everything has its default", () => {
  const { keywords, ...settings } = read("vishnu");
  assert.deepEqual(settings, {
    destination: { user: undefined, host: "vishnu", port: undefined },
    forwards: [],
    identityFiles: [],
    way: { jumps: [], proxyCommand: undefined },
    plugins: [],
    allowFrom: undefined,
    logLevel: "info",
    logFile: undefined,
    trace: false,
    json: false,
    background: false,
    graceMs: 5000,
    asksServer: false,
    link: { reconnect: "auto", holdMs: 30_000, sessions: 1, fallbacks: [], checksTargets: false },
    remote: undefined,
    isBare: false,
    extras: [],
  });
  assert.equal(keywords.text("Port"), undefined);
});

test("What stands behind the destination and its flags is the command, which says little and needs no cure", () => {
  for (const words of ["vishnu -p 2222 uname -a", "-- vishnu uname -a", "vishnu -- uname -a"]) {
    const { remote, logLevel } = read(words);
    assert.deepEqual([remote?.command, logLevel], ["uname -a", "warn"], words);
  }
  assert.equal(read("-- vishnu -N").remote?.command, "-N");
  assert.equal(read("-v vishnu uname -a").logLevel, "debug");
});

test("Grouped flags are each of them, and the last may take a value", () => {
  const settings = read("-fNTqL 8080:localhost:80 vishnu");
  assert.deepEqual([settings.background, settings.logLevel, settings.forwards.length], [true, "error", 1]);
  const attached = read("-CgL8080:localhost:80 -46p2222 vishnu");
  assert.equal(attached.keywords.flag("Compression", false), true);
  assert.equal(attached.keywords.text("AddressFamily"), "inet6");
  assert.deepEqual(attached.destination, { user: undefined, host: "vishnu", port: 2222 });
});

test("Flags may follow the destination, also the last of all", () => {
  const settings = read("vishnu -L 8080:localhost:80 --json -p 2222");
  assert.deepEqual([settings.forwards.length, settings.json, settings.destination.port], [1, true, 2222]);
});

test("Flags that say what is always so change nothing", () => {
  const { keywords: _a, ...bare } = read("vishnu");
  const { keywords: _b, ...flagged } = read("-T -n -a -x -2 -k -M -S none -F none vishnu");
  assert.deepEqual(flagged, bare);
  const { keywords: _c, isBare, ...none } = read("-N vishnu");
  assert.deepEqual([isBare, { ...none, isBare: false }], [true, bare]);
});

for (const [line, user, port] of [
  ["-l 007 vishnu", "007", undefined],
  ["-l007 vishnu", "007", undefined],
  ["-l 1e3 vishnu", "1e3", undefined],
  ["-l true vishnu", "true", undefined],
  ["-p 2222 vishnu", undefined, 2222],
  ["-p2222 vishnu", undefined, 2222],
  ["-p 0022 vishnu", undefined, 22],
  ["-o Port=2222 vishnu", undefined, 2222],
  ["-p ssh vishnu", undefined, 22],
  ["-o Port=http vishnu", undefined, 80],
  ["ssh://anna@vishnu:https", "anna", 443],
  ["anna@vishnu:2222", "anna", 2222],
  ["ssh://anna@vishnu:2222", "anna", 2222],
  ["anna@corp@vishnu", "anna@corp", undefined],
  ["-l bob anna@vishnu", "bob", undefined],
  ["-o User=bob anna@vishnu", "bob", undefined],
  ["-l bob -o User=carl anna@vishnu", "bob", undefined],
  ["-o User=carl -l bob anna@vishnu", "carl", undefined],
  ["-p 23 vishnu:22", undefined, 23],
  ["-p 23 -o Port=24 vishnu:22", undefined, 23],
  ["-o Port=24 -p 23 vishnu:22", undefined, 24],
  ["-p 23 -p 24 vishnu", undefined, 23],
] as const) {
  test(`${line} is the user ${user} and the port ${port}`, () => {
    assert.deepEqual(read(line).destination, { user, host: "vishnu", port });
  });
}

test("Of -c, -m, -b, -4, -6 and -C the last one counts, also over an -o; of -o the first one, as with ssh", () => {
  const text = (line: string, keyword: "Ciphers" | "MACs" | "AddressFamily" | "BindAddress" | "Compression") =>
    read(`${line} vishnu`).keywords.text(keyword);
  assert.equal(text("-c aes128-ctr -o Ciphers=aes256-ctr", "Ciphers"), "aes128-ctr");
  assert.equal(text("-o Ciphers=aes256-ctr -c aes128-ctr", "Ciphers"), "aes128-ctr");
  assert.equal(text("-o Ciphers=aes256-ctr -o Ciphers=aes128-ctr", "Ciphers"), "aes256-ctr");
  assert.equal(text("-m hmac-sha1 -m hmac-sha2-256", "MACs"), "hmac-sha2-256");
  assert.equal(text("-6 -4", "AddressFamily"), "inet");
  assert.equal(text("-o AddressFamily=any -4", "AddressFamily"), "inet");
  assert.equal(text("-b ::1 -b ::2", "BindAddress"), "::2");
  assert.equal(text("-o Compression=no -C", "Compression"), "yes");
});

test("-i collects in the order given, apart from IdentityFile", () => {
  const settings = read("-i a -ib -o IdentityFile=c vishnu -i d");
  assert.deepEqual(settings.identityFiles, ["a", "b", "d"]);
  assert.deepEqual(settings.keywords.all("IdentityFile"), ["c"]);
});

test("-L repeats, and each is named", () => {
  const { forwards } = read("-L 1:a:2 -L3:b:4 vishnu -L [::1]:5:[fe80::1]:6");
  assert.deepEqual(
    forwards.map(({ id, spec }) => `${id} ${printForwardSpec(spec)}`),
    ["L1 1:a:2", "L2 3:b:4", "L3 [::1]:5:[fe80::1]:6"],
  );
});

test("-g and GatewayPorts open forwards without a bind address to others", () => {
  const listen = (line: string) => read(line).forwards[0]?.listen;
  assert.deepEqual(listen("-L 1:a:2 vishnu"), { host: "localhost", port: 1 });
  assert.deepEqual(listen("-g -L 1:a:2 vishnu"), { host: "*", port: 1 });
  assert.deepEqual(listen("-L 1:a:2 -o GatewayPorts=yes vishnu"), { host: "*", port: 1 });
  assert.deepEqual(listen("-g -L 127.0.0.1:1:a:2 vishnu"), { host: "127.0.0.1", port: 1 });
});

test("--rate-limit, --capture and --use make the chain in the order given", () => {
  assert.deepEqual(chain(read("--capture a.pcap --rate-limit 1MB/s --use ./mine.ts:key=1 vishnu")), [
    "capture file=a.pcap",
    "limit rate=1MB/s",
    "./mine.ts key=1",
  ]);
  assert.deepEqual(chain(read("--use log vishnu --rate-limit=1MB/s --use=limit:up=2KB/s --capture=-")), [
    "log",
    "limit rate=1MB/s",
    "limit up=2KB/s",
    "capture file=-",
  ]);
});

test("A value is taken as it is, with all its commas, colons and equal signs", () => {
  assert.deepEqual(chain(read(["--capture", "a:b=c,d e.pcap", "vishnu"])), ["capture file=a:b=c,d e.pcap"]);
  assert.equal(read(["--use", "./a b.ts", "vishnu"]).plugins[0]?.isFile, true);
  assert.equal(read("--capture ./limit.ts vishnu").plugins[0]?.isFile, false);
});

test("--capture-legs and --capture-snaplen belong to the capture wherever they stand", () => {
  const whole = ["limit rate=1MB/s", "capture file=a.pcap legs=1,3 snaplen=64"];
  assert.deepEqual(
    chain(read("--capture-snaplen 64 --rate-limit 1MB/s --capture a.pcap vishnu --capture-legs 1,3")),
    whole,
  );
  assert.deepEqual(chain(read("--use capture:file=a.pcap --capture-legs 2 vishnu")), ["capture file=a.pcap legs=2"]);
  assert.deepEqual(chain(read("--capture a --capture-legs 1 --capture-legs 2 vishnu")), ["capture file=a legs=2"]);
});

for (const [line, level, trace] of [
  ["vishnu", "info", false],
  ["-q vishnu", "error", false],
  ["-v vishnu", "debug", false],
  ["-vv vishnu", "debug", true],
  ["-v vishnu -v", "debug", true],
  ["-vvv vishnu", "debug", true],
  ["-o LogLevel=quiet vishnu", "silent", false],
  ["-o LogLevel=FATAL vishnu", "error", false],
  ["-o LogLevel=error vishnu", "error", false],
  ["-o LogLevel=INFO vishnu", "info", false],
  ["-o LogLevel=verbose vishnu", "info", false],
  ["-o LogLevel=DEBUG vishnu", "debug", false],
  ["-o LogLevel=debug1 vishnu", "debug", false],
  ["-o LogLevel=DEBUG2 vishnu", "debug", true],
  ["-o LogLevel=debug3 vishnu", "debug", true],
  ["-q -o LogLevel=debug vishnu", "error", false],
  ["-v -o LogLevel=quiet vishnu", "debug", false],
  ["--log silent vishnu", "silent", false],
  ["--log error -v vishnu", "error", false],
  ["--log warn -q vishnu", "warn", false],
  ["--log info -o LogLevel=quiet vishnu", "info", false],
  ["--log debug vishnu", "debug", false],
  ["--log debug --log=warn vishnu", "warn", false],
] as const) {
  test(`${line} tells at the level ${level}${trace ? ", with ssh2's own trace" : ""}`, () => {
    const settings = read(line);
    assert.deepEqual([settings.logLevel, settings.trace], [level, trace]);
  });
}

test("--grace is a duration, the last one counts, and no timer is asked for more than it can wait", () => {
  const ms = (line: string) => read(line).graceMs;
  assert.equal(ms("--grace 250ms vishnu"), 250);
  assert.equal(ms("--grace 1m30s vishnu"), 90_000);
  assert.equal(ms("--grace 0 vishnu"), 0);
  assert.equal(ms("--grace 1s --grace=2s vishnu"), 2000);
  assert.equal(ms("--grace 100w vishnu"), longestTimerMs);
});

test("--ask-server and --json are as they say, and --no-nagle-cure is taken and does nothing.", () => {
  const settings = read("--no-nagle-cure --ask-server --json vishnu");
  assert.deepEqual([settings.asksServer, settings.json], [true, true]);
});

const refused: readonly (readonly [line: string | readonly string[], message: string])[] = [
  [[], "no destination: whom to log in to, [user@]host[:port]"],
  ["-L 1:a:2", "no destination: whom to log in to, [user@]host[:port]"],
  ["-Z vishnu", "unknown flag -Z"],
  ["--frobnicate vishnu", "unknown flag --frobnicate"],
  ["-1 vishnu", "-1: version 1 of the protocol is gone, from ssh too"],
  ["-s vishnu sftp", "porthop does not have ssh's flag -s (-s): it runs commands only, and no subsystems"],
  ["-o SessionType=subsystem vishnu sftp", "SessionType=subsystem: porthop runs commands only"],
  ["-e abc vishnu", 'EscapeChar: "abc" is not one character, ^ and one, or none'],
  ["--json vishnu uname -a", "--json and a command cannot both have stdout"],
  ["--capture - vishnu uname -a", "--capture - and a command cannot both have stdout"],
  ["-f vishnu", "-f needs a command, a forward or -N: a shell cannot go to the background"],
  ["-f -t -L 1:a:2 vishnu", "-f needs a command, a forward or -N: a shell cannot go to the background"],
  ["-p 0 vishnu", '-p 0: "0" is not a port (1 to 65535)'],
  ["-p 0x50 vishnu", '-p 0x50: "0x50" is not a port (1 to 65535)'],
  ["-p SSH vishnu", '-p SSH: "SSH" is no port (1 to 65535), and no service that this machine knows'],
  ["-p 65536 vishnu", '-p 65536: "65536" is not a port (1 to 65535)'],
  [["-p", "", "vishnu"], "-p : the port is missing (1 to 65535)"],
  ["-p 22 -p x- vishnu", '-p x-: "x-" is no port (1 to 65535), and no service that this machine knows'],
  ["-o Port=65536 vishnu", 'Port: "65536" is not a port (1 to 65535)'],
  ["-o Port=0 vishnu", 'Port: "0" is not a port (1 to 65535)'],
  [["-l", "", "vishnu"], "the user is missing"],
  [["-o", 'User=""', "vishnu"], "User: the value is empty"],
  ["-l -root vishnu", 'user "-root" begins with "-"'],
  [["-i", "", "vishnu"], "-i : the file is missing"],
  [
    "-L 8080 vishnu",
    "-L 8080: a part is missing or one too many; expected [bind:]port:host:hostport, for example 8080:localhost:80",
  ],
  ["-o Prot=1 vishnu", "-o Prot: porthop does not have this keyword (did you mean Port?)"],
  ["--log loud vishnu", "--log loud: not one of silent, error, warn, info, debug"],
  ["--grace soon vishnu", '--grace soon: "soon" is not a duration such as 250ms, 30s or 1m30s'],
  ["--capture-legs 1 vishnu", "--capture-legs needs --capture FILE"],
  ["--capture-snaplen 64 vishnu", "--capture-snaplen needs --capture FILE"],
  ["--use limit:up vishnu", 'plugin limit:up: option "up" has no value: write up=VALUE'],
  ["http://vishnu", "destination http://vishnu: of URIs only ssh:// is a destination"],
];

for (const [line, hint] of [
  ["-G vishnu", "porthop explain lists what the configuration files give; ssh -G lists all settings"],
  ["-O check vishnu", "a connection that ssh shares is ssh's: ssh -O check"],
  ["-Q cipher", "ssh -Q cipher lists what ssh knows"],
  ["-V", "porthop --version says which porthop it is"],
] as const) {
  test(`${line} is a usage error that says who answers it.`, () => {
    const error = refusal(line);
    const message = `${line.slice(0, 2)} makes no tunnel: it asks or steers ssh`;
    assert.deepEqual([error.code, error.message, error.hint], ["usage", message, hint]);
  });
}

for (const [line, message] of refused) {
  test(`${JSON.stringify(line)} is a usage error: ${message}`, () => {
    const error = refusal(line);
    assert.deepEqual(
      [error.code, error.message, error.hint, error.exitCode],
      ["usage", message, "porthop run --help shows the flags", 2],
    );
  });
}

const word = hostileText(
  ...sshFlags.map(({ name }) => `-${name}`),
  ...porthopFlags.map(({ name }) => `--${name}`),
  ...[
    "-",
    "--",
    "=",
    ":",
    ",",
    "@",
    "22",
    "8080:localhost:80",
    "host",
    "user@host",
    "none",
    "debug",
    "1MB/s",
    "5s",
    "always",
    "8",
    "User=",
  ],
);

test("Whatever the words are, they are settings or a usage error of one line that is safe to show", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      let settings: RunSettings;
      try {
        settings = readRunSettings(words);
      } catch (error) {
        assert.ok(error instanceof PorthopError, `threw ${String(error)}`);
        assert.equal(error.code, "usage");
        assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        assert.ok(error.message !== "" && error.message.length < 700, error.message);
        return;
      }
      assert.ok(settings.graceMs >= 0 && settings.graceMs <= longestTimerMs);
      assert.ok(settings.destination.host !== "");
    }),
    { numRuns: rounds(3000) },
  );
});

/** What a command line may hold, right and wrong: of each flag some values that it takes and one that it does not. */
const piece = fc.oneof(
  fc.constantFrom(
    ..."-4 -6 -A -a -C -f -g -K -M -N -n -q -s -T -t -v -X -x -Y -y -1 -2 -tt -Nf --json --ask-server --check-target --no-nagle-cure".split(
      " ",
    ),
  ),
  fc.constantFrom(
    ...(
      "-b|::1 -b|-x -c|aes128-ctr -c|rot13 -D|1080 -D|x -e|^] -e|abc -e|none -F|none -i|key -J|a,b -J|none -J|-x " +
      "-L|1:a:1 -L|1 -l|anna -l|-x -m|hmac-sha1 -m|md4 -p|22 -p|0 -R|2:b:2 -R|3 -S|/s -W|c:3 -w|0 -E|/log -P|tag " +
      "--capture|x.pcap --capture|- --capture-legs|1 --allow-from|::1 --allow-from|x --grace|5s --grace|soon --log|warn " +
      "--log|loud --reconnect|always --reconnect|x --hold|5s --hold|soon --sessions|2 --sessions|9 --fallback|d:22 --fallback|-x " +
      "--rate-limit|1MB/s --use|limit:up=1 --use|limit:up -o|Port=22 -o|Port=x -o|User=anna -o|ProxyCommand=nc " +
      "-o|ProxyJump=c -o|ProxyJump=none -o|LocalForward=4|d:4 -o|SessionType=none -o|SessionType=subsystem -o|RemoteCommand=ls " +
      "-o|Compression=maybe -o|ClearAllForwardings=yes -o|LogLevel=QUIET -o|PorthopAskServer=yes -o|Tunnel=yes -o|No -Z " +
      "-B|eth0 -I|/p11 -k -S|none -o|Tunnel=no -o|Tunnel=maybe -o|IPQoS=none -o|SessionType=default -o|RekeyLimit=1 -o|ClearAllForwardings=no"
    )
      .split(" ")
      .map((text) => text.replaceAll("|", " ")),
  ),
);
const commandLine = fc
  .tuple(
    fc.array(piece, { maxLength: 4 }),
    fc.constantFrom("h", "anna@h:22", "ssh://h", "-x", ""),
    fc.array(piece, { maxLength: 2 }),
    fc.constantFrom("", "ls", "-- ls -a"),
  )
  .map((parts) =>
    parts
      .flat()
      .join(" ")
      .split(" ")
      .filter((text) => text !== ""),
  );

function verdictOf(read: () => unknown): string {
  try {
    read();
    return "taken";
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return error.message;
  }
}

test("run and command judge a command line alike, but for what only ssh has.", () => {
  const runs = rounds(20_000, 1000);
  const seen = { taken: 0, refused: 0, onlySsh: 0 };
  fc.assert(
    fc.property(commandLine, (words) => {
      const byCommand = verdictOf(() => resolveTunnel(describeTunnel(words), memoryConfig({})));
      const byRun = verdictOf(() => readRunSettings(words, memoryConfig({})));
      if (byRun === byCommand) seen[byRun === "taken" ? "taken" : "refused"]++;
      else {
        seen.onlySsh++;
        assert.match(byRun, /porthop does not have|porthop runs commands only|^-f and -W/, words.join(" "));
      }
      if (byCommand !== "taken") return;
      // What is printed for ssh means the same, and the printed line of porthop is judged as the words were.
      const tunnel = describeTunnel(words);
      assert.deepEqual(sshWords(describeTunnel(sshWords(tunnel))), sshWords(tunnel));
      const [, , ...again] = porthopWords(tunnel);
      assert.equal(
        verdictOf(() => readRunSettings(again, memoryConfig({}))),
        byRun === "taken" ? "taken" : byRun,
      );
    }),
    { numRuns: runs },
  );
  for (const [verdict, count] of Object.entries(seen))
    assert.ok(count > runs / 100, `${verdict}: only ${count} of ${runs}`);
});

for (const [what, words] of [
  ["a hundred thousand flags", new Array(100_000).fill("-v").concat("host")],
  ["a hundred thousand grouped flags", [`-${"N".repeat(100_000)}`, "host"]],
  ["ten thousand forwards", new Array(10_000).fill(["-L", "8080:localhost:80"]).flat().concat("host")],
  [
    "ten thousand plugins",
    new Array(10_000).fill(["--use", "limit:rate=1"]).flat().concat("--capture", "x", "--capture-legs", "1", "host"),
  ],
  ["a user of a million letters", ["-l", "a".repeat(1_000_000), "host"]],
  ["a destination of a million signs", ["@:[".repeat(333_333)]],
  ["a remote command of a million words", ["host", ...new Array(1_000_000).fill("x")]],
] as const) {
  test(`It takes no time to read ${what}`, () => {
    const start = performance.now();
    try {
      readRunSettings(words);
    } catch (error) {
      assert.ok(error instanceof PorthopError && error.message.length < 700, String(error).slice(0, 1000));
    }
    const ms = performance.now() - start;
    assert.ok(ms < 10_000, `it took ${Math.round(ms)} ms`);
  });
}

for (const [line, message, hint] of [
  [
    "-NS8080 vishnu",
    "porthop does not have ssh's flag -S (-S 8080): no connection is shared with ssh",
    "leave -S away, and porthop connects by itself",
  ],
  [
    "-w 0:1 vishnu",
    "porthop does not have ssh's flag -w (-w 0:1): no network device is made",
    "forward single ports by -L, or all of them by -D",
  ],
  [
    "-o Tunnel=ethernet vishnu",
    "porthop does not have Tunnel (-o Tunnel=ethernet): no network device is made",
    "forward single ports by -L, or all of them by -D",
  ],
  [
    "-I /lib/p11.so vishnu",
    "porthop does not have ssh's flag -I (-I /lib/p11.so): no key of a smart card",
    "ssh-add -s adds its keys to the agent",
  ],
] as const) {
  test(`${line} is a usage error that says what to do: ${message}`, () => {
    const error = refusal(line);
    assert.deepEqual([error.code, error.message, error.hint], ["usage", message, hint]);
  });
}

test("A command beside -N or -W is taken, is not run, and that is said: ssh says nothing.", () => {
  for (const line of ["-N vishnu uname -a", "-o SessionType=none vishnu uname -a", "-W a:1 vishnu uname -a"]) {
    const { remote, keywords } = read(line);
    assert.deepEqual(
      [remote, keywords.remarks],
      [undefined, ["the command is not run beside -N or -W: uname -a"]],
      line,
    );
  }
});

test("A command and a RemoteCommand, of a file too, are refused as by ssh.", () => {
  const files = memoryConfig({ "/home/anna/.ssh/config": "RemoteCommand ls\nHost other\nRemoteCommand none\n" });
  for (const words of [
    ["vishnu", "date"],
    ["-N", "vishnu", "date"],
  ]) {
    assert.throws(
      () => readRunSettings(words, files),
      /^PorthopError: \/home\/anna\/\.ssh\/config line 1: RemoteCommand, and a command: only one of them can run: date$/,
    );
  }
  assert.throws(() => read("-o RemoteCommand=ls vishnu date"), /RemoteCommand, and a command/);
  assert.equal(read("-o RemoteCommand=none vishnu date").remote?.command, "date");
});

test("-W goes with other forwards where ClearAllForwardings is no, on the line or in a file, as in ssh.", () => {
  const ids = (line: string, config = "") =>
    readRunSettings(line.split(" "), memoryConfig({ "/home/anna/.ssh/config": config })).forwards.map(({ id }) => id);
  assert.deepEqual(ids("-W a:1 -L 1:b:1 -o ClearAllForwardings=no h"), ["W1", "L1"]);
  assert.deepEqual(ids("-W a:1 -L 1:b:1 h", "ClearAllForwardings no\nLocalForward 2 c:2\n"), ["W1", "L1", "L2"]);
  assert.deepEqual(ids("-W a:1 -L 1:b:1 h", "LocalForward 2 c:2\n"), ["W1"]);
  assert.deepEqual(ids("-W a:1 -L 1:b:1 -o ClearAllForwardings=yes h"), ["W1"]);
});

test("-f is a keyword of the configuration too.", () => {
  const files = memoryConfig({ "/home/anna/.ssh/config": "ForkAfterAuthentication yes\n" });
  assert.equal(readRunSettings(["-L", "1:a:1", "h"], files).background, true);
  assert.equal(readRunSettings(["-L", "1:a:1", "-o", "ForkAfterAuthentication=no", "h"], files).background, false);
});

test("-f with nothing but ClearAllForwardings is refused, as by ssh; with -N it is fine.", () => {
  const words = "-f -o ClearAllForwardings=yes -L 1:a:1 h";
  assert.throws(() => read(words), /-f needs a command, a forward or -N/);
  assert.equal(read(`-N ${words}`).isBare, true);
});

test("The session by itself is wished for by -N, SessionType none and ClearAllForwardings, and by nothing else.", () => {
  for (const line of ["-N h", "-o SessionType=none h", "-o ClearAllForwardings=yes -L 1:a:1 h"])
    assert.equal(read(line).isBare, true, line);
  for (const line of ["h", "-T h", "-L 1:a:1 h", "-o ClearAllForwardings=no h"])
    assert.equal(read(line).isBare, false, line);
});

test("-W stands alone, as in ssh, and only once.", () => {
  const { forwards } = readRunSettings(["-L", "1:a:1", "-W", "db:5432", "host"]);
  assert.deepEqual(
    forwards.map(({ id, connect }) => [id, connect]),
    [["W1", { host: "db", port: 5432 }]],
  );
  assert.throws(() => readRunSettings(["-W", "a:1", "-W", "b:2", "host"]), /-W is given twice/);
});

test("Of user and port said twice the first counts, as in ssh.", () => {
  const said = (line: string) => {
    const { user, port } = readRunSettings(line.split(" ")).destination;
    return [user, port];
  };
  assert.deepEqual(said("-L 1:a:1 bob@host:22 -l alice -p 2222"), ["bob", 22]);
  assert.deepEqual(said("-l alice -p 2222 -L 1:a:1 bob@host:22"), ["alice", 2222]);
  assert.deepEqual(said("-L 1:a:1 -l alice bob@host:22 -p 2222"), ["alice", 22]);
  assert.deepEqual(said("-o User=carol -L 1:a:1 bob@host -o Port=2200"), ["carol", 2200]);
});

test("With -W only what goes wrong is told, unless more is asked for", () => {
  const level = (...words: string[]) => readRunSettings([...words, "-W", "h:1", "vishnu"]).logLevel;
  assert.deepEqual([level(), level("-v"), level("--log", "info"), level("-q")], ["warn", "debug", "info", "error"]);
});

test("With -W nothing else may have stdout or take stdin away", () => {
  for (const [words, says] of [
    [["--json"], /^--json and -W cannot both have stdout$/],
    [["--capture", "-"], /^--capture - and -W cannot both have stdout$/],
    [["-f"], /^-f and -W: /],
  ] as const) {
    assert.throws(
      () => readRunSettings([...words, "-W", "h:1", "vishnu"]),
      (error: Error) => says.test(error.message),
    );
  }
});
