import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoteForShell, requireOneLine, splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { describeRelay, describeTunnel, wantsHelp } from "../../../src/config/description.ts";
import { PorthopError } from "../../../src/errors.ts";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";

const read = (text: string) => describeTunnel(text.split(" "));

test("Of user and port the first that is said counts, wherever it is said.", () => {
  const said = (text: string) => {
    const { user, port } = read(`-L1:a:1 ${text}`);
    return [user, port];
  };
  assert.deepEqual(said("-l alice -p 1 bob@host:2"), ["alice", 1]);
  assert.deepEqual(said("bob@host:2 -l alice -p 1"), ["bob", 2]);
  assert.deepEqual(said("-o user=carol -o Port=3 -p 1 bob@host"), ["carol", 3]);
  assert.deepEqual(said("host"), [undefined, undefined]);
});

test("The first way counts: jump hosts, a ProxyCommand, or neither.", () => {
  const way = (text: string) => {
    const { jumps, keywords } = read(`-L1:a:1 ${text} h`);
    return [jumps?.map(({ host }) => host), keywords.map(({ name }) => name)];
  };
  assert.deepEqual(way("-J a,b"), [["a", "b"], []]);
  assert.deepEqual(way("-o ProxyJump=a -o ProxyCommand=x"), [["a"], []]);
  assert.deepEqual(way("-o ProxyCommand=x -o ProxyJump=a"), [undefined, ["ProxyCommand"]]);
  assert.deepEqual(way("-J none -o ProxyCommand=x"), [[], []]);
  assert.deepEqual(way("-C"), [undefined, []]);
});

test("Forwards of -o stand in one row with those of the flags, and beside -W too: ClearAllForwardings may keep them.", () => {
  const kinds = (...words: string[]) => describeTunnel(words).forwards.map(({ kind }) => kind);
  assert.deepEqual(
    kinds("-oLocalForward=1 a:1", "-D2", "-oRemoteForward=3", "-oDynamicForward=4", "-oRemoteForward 5 a:5", "h"),
    ["local", "dynamic", "reverse-dynamic", "dynamic", "remote"],
  );
  assert.deepEqual(kinds("-L1:a:1", "-Wa:1", "h"), ["local", "stdio"]);
});

test("What runs: a command, a shell, or nothing, said or implied.", () => {
  const remote = (text: string) => read(text).remote;
  assert.deepEqual(remote("-L1:a:1 h"), { kind: "none", implied: true });
  assert.deepEqual(remote("-N -L1:a:1 h"), { kind: "none", implied: false });
  assert.deepEqual(remote("-o SessionType=none -L1:a:1 h"), { kind: "none", implied: false });
  assert.deepEqual(remote("-W a:1 h"), { kind: "none", implied: false });
  assert.deepEqual(remote("-t -L1:a:1 h"), { kind: "shell" });
  assert.deepEqual(remote("h"), { kind: "shell" });
  assert.deepEqual(remote("-L1:a:1 h sleep 3"), { kind: "command", words: ["sleep", "3"] });
  for (const flags of ["-N", "-o SessionType=none", "-W a:1"]) {
    assert.deepEqual(remote(`${flags} h ls -l`), { kind: "none", implied: false, unused: ["ls", "-l"] }, flags);
  }
});

test("-W goes with -s before it, as in ssh: nothing runs.", () => {
  assert.deepEqual(read("-s -W a:1 h").remote, { kind: "none", implied: false });
});

test("The terminal: the last of -T and -t counts, -N takes it back, a second -t forces it.", () => {
  const terminal = (flags: string) => read(`${flags} -L1:a:1 h`).terminal;
  assert.deepEqual(["-T", "-t", "-tt", "-Tt", "-tT", "-tN", "-Nt"].map(terminal), [
    "no",
    "yes",
    "force",
    "yes",
    "no",
    undefined,
    "yes",
  ]);
});

test("All other flags of ssh are kept, with their values, also those that porthop does not have.", () => {
  const { flags, extras, configFile } = read("-MvvS /s -F /f --json --capture x -L1:a:1 h");
  assert.deepEqual(
    flags.map(({ letter, value }) => `${letter}${value ?? ""}`),
    ["M", "v", "v", "S/s"],
  );
  assert.equal(configFile, "/f");
  assert.deepEqual(extras, [
    { name: "json", value: undefined },
    { name: "capture", value: "x" },
  ]);
});

for (const [text, says] of [
  ["-L 1:a:1", /no destination/],
  ["-Q cipher", /-Q makes no tunnel/],
  ["-V", /-V makes no tunnel/],
  ["-L 1:a:1 -- -host", /begins with "-"/],
  ["-L 1:a:1 -l -user host", /begins with "-"/],
  ["-J -x -L 1:a:1 host", /begins with "-"/],
  ["-o User=-x -L 1:a:1 host", /begins with "-"/],
  ["-1 -L 1:a:1 host", /version 1 of the protocol is gone/],
  ["-y -E /log -L 1:a:1 host", /-y and -E/],
  ["-s -L 1:a:1 host", /the name of the subsystem is missing/],
  ["-o SessionType=subsystem host", /the name of the subsystem is missing/],
  ["-W a:1 -s host", /-s: an earlier word asks for another session \(none\)/],
  ["-N -s -L 1:a:1 host sftp", /-s: an earlier word asks for another session \(none\)/],
  ["-s -N -L 1:a:1 host sftp", /-N: an earlier word asks for another session \(subsystem\)/],
  ["-o SessionType=default -N -L 1:a:1 host", /-N: an earlier word asks for another session \(default\)/],
  ["-o Tunnel=maybe -L 1:a:1 host", /Tunnel: "maybe" is not one of/],
  ["-w x:y -L 1:a:1 host", /-w: "x:y" is not a device/],
  ["-W a:1 -W b:1 host", /-W is given twice/],
  ["-J a -J b host", /named already/],
  ["-o ProxyJump=a -J b host", /named already/],
  ["-J a,-b host", /begins with "-"/],
  ["-o ProxyCommand=x -J b host", /cannot go with a ProxyCommand/],
  ["-O check host", /makes no tunnel/],
  ["-L nonsense host", /a part is missing/],
  ["-o nonsense host", /is not Keyword=value/],
  ["--nonsense host", /unknown flag/],
  ["-o Match=all host", /stands in a configuration file only/],
  ["-o include=/x host", /stands in a configuration file only/],
  ["-i  -L 1:a:1 host", /the file is missing/],
] as const) {
  test(`${text} is wrong usage: ${says.source}.`, () => {
    assert.throws(
      () => read(text),
      (error) => error instanceof PorthopError && error.code === "usage" && says.test(error.message),
    );
  });
}

test("A relay is read with the rules of porthop relay.", () => {
  const relay = describeRelay(["-g", "-L", "1:a:1", "--capture", "x.pcap"]);
  assert.deepEqual(
    [relay.via, relay.forwards.length, relay.flags.length, relay.extras],
    ["nothing", 1, 1, [{ name: "capture", value: "x.pcap" }]],
  );
  assert.throws(() => describeRelay(["-L", "1:a:1", "-J", "b"]), /no ssh session/);
});

test("What is printed is read again as the same words, whatever they hold, also by way of a shell's line.", () => {
  const nasty = fc.string({ unit: fc.constantFrom(..."abc$`\"'\\ ;|&*~#!%={}é"), minLength: 1, maxLength: 12 });
  const flag = fc.oneof(
    nasty.map((value) => ["-i", value]),
    nasty.map((value) => ["-o", `ProxyCommand=x${value.replace(/["'\\]/g, "")}`]),
    nasty.map((value) => ["-S", value]),
    nasty.map((value) => ["-L", `/a${value.replace(/[\\:]/g, "")}:/b`]),
    fc.constantFrom(["-f"], ["-g"], ["-C"], ["-p", "7"], ["-D", "1080"], ["-R", "*:1:a:2"], ["-v"]),
  );
  const property = fc.property(
    fc.array(flag, { maxLength: 6 }),
    fc.array(nasty, { maxLength: 3 }),
    (flags, command) => {
      const words = sshWords(describeTunnel([...flags.flat(), "-L", "1:a:1", "u@h", "--", ...command]));
      assert.deepEqual(sshWords(describeTunnel(words)), words);
      assert.deepEqual(splitShellWords(words.map(quoteForShell).join(" ")), requireOneLine(words));
    },
  );
  fc.assert(property);
});

test("Help is asked for with -h or --help, and then nothing has to be complete.", () => {
  for (const line of ["-h", "--help", "-Nh", "vishnu -h"]) assert.equal(wantsHelp(line.split(" "), "run"), true, line);
  for (const line of ["vishnu", "vishnu ls -h", "-L -h vishnu"])
    assert.equal(wantsHelp(line.split(" "), "run"), false, line);
});
