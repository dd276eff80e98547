/** ~/.ssh/config as people have it: where `ssh web` works, `porthop run web` does, through the same hosts and files. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import type { Sshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { jumpWay } from "./jump-way.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theWay = shared(() => jumpWay(2));
const theTarget = shared(() => echoServer());

/** A home with this configuration; other files lie beside it. */
function homeWith(config: string, files: Readonly<Record<string, string>> = {}): string {
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  for (const [name, text] of Object.entries({ ...files, config })) {
    writeFileSync(join(home, ".ssh", name), text, { mode: 0o600 });
  }
  return home;
}

/** A server under a name that only the configuration knows. */
async function hostBlock(name: string, { port, user }: Sshd): Promise<string> {
  const { keyFile, knownHostsFile } = await theWay();
  return `Host ${name}
  HostName 127.0.0.1
  Port ${port}
  User ${user}
  IdentityFile ${keyFile}
  UserKnownHostsFile ${knownHostsFile}
  StrictHostKeyChecking yes
  BatchMode yes
`;
}

test("An alias with host, port, user, key and forwards is all that has to be named.", limits, async () => {
  const { destination } = await theWay();
  const target = await theTarget();
  const [listen, socks] = [await freePort(), await freePort()];
  const forwards = `  LocalForward ${listen} 127.0.0.1:${target.port}\n  DynamicForward ${socks}\n`;
  const home = homeWith(`${await hostBlock("web", destination)}${forwards}`);
  await using program = porthop(["run", "--json", "web"], { home });
  await program.event("ready");
  assert.equal(await echoes(listen), true);
  const session = await program.event("session", ({ state }) => state === "ready");
  assert.deepEqual([session["port"], session["user"]], [destination.port, destination.user]);
  const kinds = program.events.filter(({ event }) => event === "listening").map(({ forward }) => forward);
  assert.deepEqual([...new Set(kinds)], ["L1", "D1"]);
});

test("ssh gets along with the same file, host key and all, and -F names another one.", limits, async () => {
  const { destination } = await theWay();
  const home = homeWith("Prot 22\n", { work: await hostBlock("web", destination) });
  const file = join(home, ".ssh", "work");
  assert.equal((await run("ssh", ["-F", file, "web", "true"])).code, 0);
  await using program = porthop(["run", "-F", file, "web", "echo", "as ssh"], { home });
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout, stderr], [0, "as ssh\n", ""]);
});

test("A jump host has its own block, with port, user and key, and is an alias too.", limits, async () => {
  const { sshds } = await theWay();
  const [gate, inner] = sshds;
  if (inner === undefined) throw new Error("a way of two");
  const config = `${await hostBlock("gate", gate)}${await hostBlock("inner", inner)}  ProxyJump gate\n`;
  const home = homeWith(config);
  const before = gate.log().length;
  await using program = porthop(["run", "inner", "echo", "through"], { home });
  const { code, stdout } = await program.exit;
  assert.deepEqual([code, stdout], [0, "through\n"]);
  assert.match(await gate.logSince(before), /Accepted publickey/);
});

test("The way of a jump host's own block is passed as well.", limits, async () => {
  const { sshds } = await theWay();
  const [gate, inner] = sshds;
  if (inner === undefined) throw new Error("a way of two");
  const proxied = `${await hostBlock("gate", gate)}  ProxyCommand touch %n-%p; exec cat <>/dev/tcp/127.0.0.1/${gate.port}\n`;
  const [middle, last] = [await hostBlock("middle", gate), await hostBlock("last", inner)];
  const home = homeWith(`${proxied}${middle}  ProxyJump gate\n${last}  ProxyJump middle\n`);
  await using program = porthop(["run", "--json", "-L", `${await freePort()}:a:1`, "last"], {
    home,
    env: { SHELL: "/bin/bash" },
  });
  await program.event("session", ({ state }) => state === "connecting");
  await program.exit;
  assert.equal(existsSync(join(home, `gate-${gate.port}`)), true, "the command of the first of three ran");
});

test("Hosts that jump by way of each other are an error with file and line, and no endless way.", limits, async () => {
  const loop = "Host web\n ProxyJump gate\nHost gate\n HostName 127.0.0.1\n ProxyJump web\n";
  const itself = "Host web\n HostName 127.0.0.1\n ProxyJump web\n";
  for (const [config, line, message] of [
    [loop, 2, "gate by way of web by way of gate is a loop"],
    [itself, 3, "web:22 is the destination itself"],
  ] as const) {
    const home = homeWith(config);
    await using program = porthop(["run", "-L", "1:a:1", "web"], { home });
    const { code, stderr } = await program.exit;
    const where = `${join(home, ".ssh", "config")} line ${line}`;
    assert.equal(stderr.split("\n")[0], `porthop: ${where}: ProxyJump: ${message} [config.invalid]`);
    assert.equal(code, 1, stderr);
  }
});

test("Match exec decides by a command of the user's, and Match host by what HostName says.", limits, async () => {
  const { destination } = await theWay();
  const [yes, no] = [await freePort(), await freePort()];
  const config = `Match originalhost web exec "test -e ~/at-work"
  LocalForward ${yes} 127.0.0.1:1
Match originalhost web !exec "test -e ~/at-work"
  LocalForward ${no} 127.0.0.1:1
${await hostBlock("web", destination)}`;
  for (const [atWork, expected] of [
    [true, yes],
    [false, no],
  ] as const) {
    const home = homeWith(config);
    if (atWork) writeFileSync(join(home, "at-work"), "");
    await using program = porthop(["run", "--json", "web"], { home });
    const { listen } = await program.event("listening");
    assert.match(String(listen), new RegExp(`:${expected}$`));
  }
});

test("porthop's own settings stand in the same file, and ssh passes over them.", limits, async () => {
  const { destination } = await theWay();
  const target = await theTarget();
  const listen = await freePort();
  const own = `  LocalForward ${listen} 127.0.0.1:${target.port}\n  PorthopCapture ~/out.pcapng\n  PorthopUse limit:up=1MB/s\n`;
  const home = homeWith(`IgnoreUnknown Porthop*\n${await hostBlock("web", destination)}${own}  PorthopLog debug\n`);
  assert.equal(
    (await run("ssh", ["-F", join(home, ".ssh", "config"), "-o", "ClearAllForwardings=yes", "web", "true"])).code,
    0,
  );
  await using program = porthop(["run", "web"], { home });
  await program.stderr(/^ready/m);
  assert.equal(await echoes(listen), true);
  await program.stderr(/L1#1/);
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  assert.ok(readFileSync(join(home, "out.pcapng")).length > 500);
});

for (const [what, config, message] of [
  [
    "a keyword that ssh does not know",
    "Host web\n  Prot 22\n",
    'line 2: ssh has no keyword "Prot" (did you mean Port?)',
  ],
  ["a value that makes no sense", "Port 70000\n", 'line 1: Port: "70000" is not a port (1 to 65535)'],
  ["a quote that does not end", '\nUser "x\n', 'line 2: ""x" lacks its closing quote'],
  ["an include of itself", "Include config\n", "line 1: Include config: files include each other 16 deep"],
  ["a criterion that there is not", "Match hots web\n", 'line 1: Match: "hots" is no criterion (did you mean host?)'],
] as const) {
  test(`In ${what} file and line are named.`, limits, async () => {
    const home = homeWith(config);
    await using program = porthop(["run", "-L", "1:a:1", "web"], { home });
    const { code, stderr } = await program.exit;
    assert.equal(stderr.split("\n")[0], `porthop: ${join(home, ".ssh", "config")} ${message} [config.invalid]`);
    assert.equal(code, 1);
  });
}

for (const [what, config, message] of [
  ["an unknown token", "Host web\n IdentityFile ~/k%z\n", /line 2: IdentityFile: ".*\/k%z": "%z" means nothing here/],
  ["a token of a jump host", "Host web\n User u\n ProxyJump %z\n", /line 3: ProxyJump: "%z": "%z" means nothing here/],
  ["a token of a command", "\n\nProxyCommand nc %h %z\n", /line 3: ProxyCommand: "nc %h %z": "%z" means nothing/],
  ["an unknown algorithm", "Ciphers rot13\n", /line 1: Ciphers: "rot13" is no cipher that ssh knows \[/],
  ["an unknown keyword", "Prot 22\n", /line 1: ssh has no keyword "Prot" \(did you mean Port\?\) \[/],
  ["a forward that is none", "Host web\n LocalForward 80\n", /line 2: LocalForward/],
] as const) {
  test(`With -F file and line are named too: ${what}, which ssh refuses as well.`, limits, async () => {
    const home = homeWith("", { work: config });
    const file = join(home, ".ssh", "work");
    await using program = porthop(["run", "-F", file, "-L", "1:a:1", "web"], { home });
    const { code, stderr } = await program.exit;
    const [first = "", ...rest] = stderr.trimEnd().split("\n");
    assert.ok(first.startsWith(`porthop: ${file} `), stderr);
    assert.match(first, message);
    assert.match(first, / \[config\.invalid\]$/);
    assert.equal(rest.length, 1, "and a hint");
    assert.equal(code, 1);
    assert.equal((await run("ssh", ["-F", file, "web", "true"])).code, 255);
  });
}

test("An unknown keyword is passed over where IgnoreUnknown says so before it, as by ssh.", limits, async () => {
  const { destination } = await theWay();
  const block = await hostBlock("web", destination);
  for (const [config, code] of [
    [`IgnoreUnknown Frob*,Prot\nProt 22\nFrobnicate yes\n${block}`, 0],
    [`Prot 22\nIgnoreUnknown Prot\n${block}`, 1],
  ] as const) {
    const home = homeWith(config);
    await using program = porthop(["run", "web", "true"], { home });
    assert.equal((await program.exit).code, code);
    assert.equal((await run("ssh", ["-F", join(home, ".ssh", "config"), "web", "true"])).code === 0, code === 0);
  }
});

test("The tokens of a RemoteCommand are filled in, for whoever asks for a terminal.", limits, async () => {
  const { destination } = await theWay();
  const line = "  RemoteCommand echo %n-%h-%p-%r-%%\n  HostKeyAlias 127.0.0.1\n  RequestTTY force\n";
  const block = (await hostBlock("web", destination)).replace("StrictHostKeyChecking yes", "StrictHostKeyChecking no");
  const home = homeWith(`${block}${line}`);
  await using program = porthop(["run", "-tt", "web"], { home });
  const { stdout } = await program.exit;
  assert.equal(stdout.trim(), `web-127.0.0.1-${destination.port}-${destination.user}-%`);
});

test("A file that others could have written is refused, and one that is not there with -F.", limits, async () => {
  const home = homeWith("Port 22\n");
  chmodSync(join(home, ".ssh", "config"), 0o646);
  await using open = porthop(["run", "-L", "1:a:1", "web"], { home });
  assert.match((await open.exit).stderr, /config: bad permissions: 0646 lets others write it \[config\.invalid\]/);
  await using missing = porthop(["run", "-F", "nothing", "-L", "1:a:1", "web"], { home });
  const { code, stderr } = await missing.exit;
  assert.equal(code, 1);
  assert.match(stderr, /cannot read the configuration nothing: no such file or directory \[file\.cannot-read\]/);
});

test("What porthop does not have is said once where it is felt, and passed over where not.", limits, async () => {
  const { destination } = await theWay();
  const more = "  VerifyHostKeyDNS yes\n  IPQoS cs1\n  AddKeysToAgent yes\n  ControlMaster auto\n  Tunnel no\n";
  const home = homeWith(`${await hostBlock("web", destination)}${more}`);
  await using program = porthop(["run", "web", "true"], { home });
  const { code, stderr } = await program.exit;
  const where = join(home, ".ssh", "config");
  const lacks = (line: number, text: string) =>
    `porthop: warning: ${where} line ${line}: porthop does not have ${text}\n`;
  const told = [
    lacks(9, "VerifyHostKeyDNS: no host key is looked up in the DNS"),
    lacks(10, "IPQoS: no packet is marked for the network"),
  ];
  assert.deepEqual([code, stderr], [0, told.join("")]);
});
