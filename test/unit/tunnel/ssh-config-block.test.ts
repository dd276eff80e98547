import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { sshConfigBlock, tunnelName } from "../../../src/tunnel/ssh-config-block.ts";

const block = (...words: string[]) => sshConfigBlock(describeTunnel(words), "t").map((line) => line.trim());

test("The block has a line for the route, the session and each forward.", () => {
  const lines = sshConfigBlock(
    describeTunnel("-fC -p 2 -J b -i k -L *:1:a:1 -R /r:/l -D 3 -R 4 -o ServerAliveInterval=5 u@host".split(" ")),
    "web",
    ["a note"],
  );
  assert.deepEqual(lines, [
    "# a note",
    "Host web",
    "    HostName host",
    "    User u",
    "    Port 2",
    "    ProxyJump b",
    "    IdentityFile k",
    "    SessionType none",
    "    RequestTTY no",
    "    StdinNull yes",
    "    ForkAfterAuthentication yes",
    "    Compression yes",
    "    ServerAliveInterval 5",
    "    LocalForward *:1 a:1",
    "    RemoteForward /r /l",
    "    DynamicForward 3",
    "    RemoteForward 4",
  ]);
});

test("A command that was typed is the only RemoteCommand of the block.", () => {
  const lines = block("-o", "RemoteCommand=none", "-L1:a:1", "h", "ls");
  assert.deepEqual(
    lines.filter((line) => line.startsWith("RemoteCommand")),
    ["RemoteCommand ls"],
  );
});

test("Blanks, quotes and percent signs are written so that ssh reads the same.", () => {
  assert.ok(block("-i", '/a "b\\', "-L1:a:1", "h").includes('IdentityFile "/a \\"b\\\\"'));
  assert.ok(block("-L1:a:1", "fe80::1%eth0").includes("HostName fe80::1%%eth0"));
  assert.ok(block("-L1:a:1", "h", "date", "+%s").includes("RemoteCommand date +%%s"));
  assert.ok(block("-L", "1:/a b", "h").includes('LocalForward 1 "/a b"'));
  assert.ok(!block("-oHostName=x", "-L1:a:1", "h").includes("HostName h"));
});

test("A command with a quote that is not closed is refused, for ssh would refuse the whole file.", () => {
  for (const bad of ["it's", 'a"', "'\\'"])
    assert.throws(() => block("-L1:a:1", "h", bad), /a quote that is not closed/);
  for (const good of ["it\\'s", "'a\"b'", '"it\'s"', "a\\"]) {
    assert.ok(block("-L1:a:1", "h", good).includes(`RemoteCommand ${good}`), good);
  }
});

test("-W, a line break and a name that is a pattern are refused.", () => {
  assert.throws(() => block("-W", "a:1", "h"), /ssh_config has no word for -W/);
  assert.throws(() => block("-L1:a:1", "h", "a\nHost *"), /no pasted line can carry/);
  for (const name of ["*", "a b", "", "-x", "!a", "a\nb"]) {
    assert.throws(() => sshConfigBlock(describeTunnel(["-L1:a:1", "h"]), name), /is no name for a Host/);
  }
});

test("Without a name it is called after the host, but not like it.", () => {
  assert.equal(tunnelName(describeTunnel(["-L1:a:1", "db.internal"])), "db.internal-tunnel");
  assert.equal(tunnelName(describeTunnel(["-L1:a:1", "::1"])), "1-tunnel");
  assert.equal(tunnelName(describeTunnel(["-L1:a:1", "*"])), "host-tunnel");
});

test("Forwards keep their variables, wherever these stand.", () => {
  const values = new Map([
    ["DIR", "/run"],
    ["PORT", "8080"],
    ["BOTH", "8080:localhost"],
    ["ALL", "8080:localhost:80"],
  ]);
  const around = {
    fillVariables: (text: string) => text.replace(/\$\{(\w+)\}/g, (_match, name: string) => values.get(name) ?? ""),
    hasHost: () => false,
  };
  const of = (name: string) => `$${`{${name}}`}`;
  for (const [flag, text, expected] of [
    ["-L", `${of("DIR")}/x:db:80`, `LocalForward "${of("DIR")}/x" db:80`],
    ["-L", `[::1]:${of("PORT")}:[fd00::7]:80`, `LocalForward "[::1]:${of("PORT")}" [fd00::7]:80`],
    ["-L", `${of("BOTH")}:80`, `LocalForward "${of("BOTH")}" 80`],
    ["-L", of("ALL"), "LocalForward 8080 localhost:80"],
    ["-R", `9:${of("DIR")}/y`, `RemoteForward 9 "${of("DIR")}/y"`],
    ["-D", of("PORT"), `DynamicForward "${of("PORT")}"`],
  ] as const) {
    const lines = sshConfigBlock(describeTunnel([flag, text, "host"], around), "t").map((line) => line.trim());
    assert.ok(lines.includes(expected), `${text}: ${lines.join(", ")}`);
  }
});

test("A percent sign in the name of the host or the user is doubled, for ssh fills both in.", () => {
  const lines = block("-L", "1:a:1", "me%x@fe80::1%eth0");
  assert.ok(lines.includes("HostName fe80::1%%eth0") && lines.includes("User me%%x"), lines.join(", "));
});
