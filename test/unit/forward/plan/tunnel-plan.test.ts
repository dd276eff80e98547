import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { currentUser } from "../../../../src/config/current-user.ts";
import type { ConfigSources } from "../../../../src/config/file/config-sources.ts";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { SshPlan } from "../../../../src/forward/plan/tunnel-plan.ts";
import { planTunnel } from "../../../../src/forward/plan/tunnel-plan.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { Answers } from "../../../kit/answers.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("tunnel-plan");
after(() => removeTemp(folder));

/** The folder, as the way from the home to it: Bun's homedir() does not change with the environment. */
const fromHome = relative(homedir(), folder);

const hostKey = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const hostKeyLine = (name: string) => `${name} ssh-ed25519 ${hostKey.toString("base64")}\n`;

const never = new AbortController().signal;

interface Planned {
  readonly plan: SshPlan;
  readonly log: LogLines;
}

async function plan(words: readonly string[], prompter?: Answers, files?: ConfigSources): Promise<Planned> {
  const log = new LogLines();
  const settings = readRunSettings([...words, "vishnu"], files);
  return { plan: await planTunnel(settings, { log, prompter, environment: {} }), log };
}

/** The destination, and the servers of --fallback. */
const goalsOf = (planned: SshPlan) => [planned, ...(planned.fallbacks ?? [])];

/** -o Keyword=value for each. */
const o = (...lines: string[]) => lines.flatMap((line) => ["-o", line]);

test("PermitRemoteOpen permits what it says, and without it everything is permitted.", async () => {
  assert.equal((await plan([])).plan.remoteOpen, undefined);
  const { remoteOpen } = (await plan(o("PermitRemoteOpen=db:5432"))).plan;
  assert.equal(remoteOpen?.permits({ host: "db", port: 5432 }), true);
  assert.equal(remoteOpen?.permits({ host: "db", port: 22 }), false);
});

test("The session is what the settings of the host make of it, and so is how this machine listens.", async () => {
  const words = ["-4", ...o("ServerAliveInterval=5", "StreamLocalBindMask=0117")];
  const { session, here } = (await plan(words)).plan;
  assert.deepEqual([session.host, session.port, session.family, session.keepAliveIntervalMs], ["vishnu", 22, 4, 5000]);
  assert.deepEqual(here, {
    family: 4,
    allowFrom: undefined,
    unix: { mask: 0o117, unlink: false },
    streams: undefined,
  });
});

test("A jump host has user, port and algorithms of its own and the time-outs of the command line; only the inmost session compresses.", async () => {
  const words = ["-C", "-c", "aes128-ctr", ...o("ConnectTimeout=7"), "-J", "bob@one:2201,two"];
  const { way } = (await plan(words, undefined, memoryConfig({}))).plan;
  const jumps = way?.jumps.map(({ settings: { host, port, user, isJump, connectTimeoutMs, algorithms } }) => [
    ...[host, port, user, isJump, connectTimeoutMs],
    ...[algorithms.ciphers, algorithms.compression],
  ]);
  assert.deepEqual(jumps, [
    ["one", 2201, "bob", true, 7000, undefined, false],
    ["two", 22, currentUser(), true, 7000, undefined, false],
  ]);
});

test("How the session is kept goes into the plan as it was said.", async () => {
  assert.deepEqual((await plan([])).plan.link, {
    reconnect: "auto",
    holdMs: 30_000,
    sessions: 1,
    checksTargets: false,
  });
  const words = "--reconnect always --hold 0 --sessions 2 --check-target".split(" ");
  const { link, fallbacks } = (await plan(words)).plan;
  assert.deepEqual(link, { reconnect: "always", holdMs: 0, sessions: 2, checksTargets: true });
  assert.deepEqual(fallbacks, []);
});

test("A fallback has a session, a way and trust of its own, and is no jump host.", async () => {
  const config = "Host backup\n HostName b.example.com\n User ops\n ProxyJump gate\nHost vishnu\n User root\n";
  const words = ["-C", "--fallback", "backup:2222", "--fallback", "anna@third"];
  const planned = (await plan(words, undefined, memoryConfig({ "/home/anna/.ssh/config": config }))).plan;
  assert.deepEqual(
    goalsOf(planned).map(({ session, way }) => [
      ...[session.user, session.host, session.port, session.isJump, session.algorithms.compression],
      way?.jumps.map(({ settings }) => settings.host),
    ]),
    [
      ["root", "vishnu", 22, undefined, true, undefined],
      ["ops", "b.example.com", 2222, undefined, true, ["gate"]],
      ["anna", "third", 22, undefined, true, undefined],
    ],
  );
});

test("A fallback is known by its own host key, under its own name.", async () => {
  knownHosts("fallbacks", hostKeyLine("backup"));
  const words = [
    ...o("GlobalKnownHostsFile=none", `UserKnownHostsFile=~/${fromHome}/fallbacks`),
    "--fallback",
    "backup",
  ];
  const planned = (await plan(words, undefined, memoryConfig({}))).plan;
  const known = goalsOf(planned).map(async ({ trust }) => {
    return (await trust(await loadSsh2(), undefined, never)).hostKeyTypes;
  });
  assert.deepEqual(await Promise.all(known), [[], ["ssh-ed25519"]]);
});

test("A silent server keeps neither its fallback nor the next try waiting, and neither does a host on the way.", async () => {
  const timesOf = async (...words: string[]) => {
    const planned = (await plan(["-J", "gate", ...words], undefined, memoryConfig({}))).plan;
    return goalsOf(planned).flatMap(({ session, way }) =>
      [session, ...(way?.jumps ?? []).map(({ settings }) => settings)].map((each) => [
        each.connectTimeoutMs,
        each.handshakeTimeoutMs,
      ]),
    );
  };
  const alone = [30_000, 30_000];
  const once = [undefined, 30_000];
  const limited = [10_000, 10_000];
  const said = [7000, 7000];
  assert.deepEqual(await timesOf(), [alone, alone]);
  assert.deepEqual(await timesOf("--reconnect", "never"), [once, once]);
  assert.deepEqual(await timesOf("--fallback", "backup"), [limited, limited, limited, limited]);
  assert.deepEqual(await timesOf("--fallback", "backup", ...o("ConnectTimeout=7")), [said, said, said, said]);
});

test("A ProxyCommand may ask its own questions, also where there is a fallback.", async () => {
  const words = [...o("ProxyCommand=nc %h %p"), "--fallback", "backup"];
  const planned = (await plan(words, undefined, memoryConfig({}))).plan;
  assert.deepEqual(
    goalsOf(planned).map(({ session, way }) => [session.connectTimeoutMs, way?.command]),
    [
      [120_000, "nc vishnu 22"],
      [120_000, "nc backup 22"],
    ],
  );
});

test("What is wrong with the way to a fallback names the fallback.", async () => {
  const wrong = plan(["-J", "gate", "--fallback", "gate"], undefined, memoryConfig({}));
  await assert.rejects(wrong, {
    code: "usage",
    message: "the fallback gate: ProxyJump: gate:22 is the destination itself",
  });
});

test("An algorithm that is missing is told once, however many servers there are.", async () => {
  const words = [...o("HostKeyAlgorithms=sk-ssh-ed25519@openssh.com,ssh-ed25519"), "--fallback", "backup"];
  const alone = (await plan(words.slice(0, 2), undefined, memoryConfig({}))).log.lines;
  assert.equal(alone.length, 1);
  assert.deepEqual((await plan(words, undefined, memoryConfig({}))).log.lines, alone);
});

test("A listener that cannot be set up ends the tunnel, unless ExitOnForwardFailure says no.", async () => {
  assert.equal((await plan([])).plan.exitOnForwardFailure, true);
  assert.equal((await plan(o("ExitOnForwardFailure=no"))).plan.exitOnForwardFailure, false);
});

test("The log comes first in the chain, unless the chain says where it stands.", async () => {
  const chain = async (...words: string[]) => (await plan(words)).plan.plugins.map(({ name }) => name);
  assert.deepEqual(await chain(), ["log"]);
  assert.deepEqual(await chain("--rate-limit", "1MB/s"), ["log", "limit"]);
  assert.deepEqual(await chain("--rate-limit", "1MB/s", "--use", "log"), ["limit", "log"]);
});

test("A plugin that does not exist, or an option that makes no sense, is refused before anything is connected.", async () => {
  await assert.rejects(plan(["--use", "limt"]), { code: "plugin.not-found" });
  await assert.rejects(plan(["--rate-limit", "fast"]), { code: "plugin.invalid" });
});

test("The forwards are those of the settings.", async () => {
  const { forwards } = (await plan(["-L", "8080:a:80", "-L", "8081:b:80"])).plan;
  assert.deepEqual(
    forwards.map(({ id, connect }) => [id, connect]),
    [
      ["L1", { host: "a", port: 80 }],
      ["L2", { host: "b", port: 80 }],
    ],
  );
});

/** Whether the host key is believed: its types if it is known, and what verifying it says. */
async function believes(words: readonly string[], prompter?: Answers) {
  const planned = await plan(["-o", "GlobalKnownHostsFile=none", ...words], prompter);
  const trust = await planned.plan.trust(await loadSsh2(), "10.0.0.2", never);
  const refusal = await trust.verify(hostKey).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof PorthopError, String(error));
      return error;
    },
  );
  return { known: trust.hostKeyTypes, refusal, log: planned.log };
}

function knownHosts(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, text);
  return full;
}

for (const [value, refused] of [
  ["yes", /^the host key of vishnu is not known and StrictHostKeyChecking is yes: /],
  ["true", /^the host key of vishnu is not known and StrictHostKeyChecking is yes: /],
  ["YES", /^the host key of vishnu is not known and StrictHostKeyChecking is yes: /],
  ["ask", /^the host key of vishnu is not known and there is nobody to ask: /],
  [undefined, /^the host key of vishnu is not known and there is nobody to ask: /],
  ["accept-new", undefined],
  ["no", undefined],
  ["off", undefined],
  ["false", undefined],
] as const) {
  const setting = value === undefined ? "Without StrictHostKeyChecking" : `With StrictHostKeyChecking=${value}`;
  test(`${setting} an unknown host key is ${refused === undefined ? "taken" : "refused"}.`, async () => {
    const words = [
      ...o("UserKnownHostsFile=none"),
      ...(value === undefined ? [] : o(`StrictHostKeyChecking=${value}`)),
    ];
    const { refusal } = await believes(words);
    if (refused === undefined) assert.equal(refusal, undefined);
    else assert.match(refusal?.message ?? "it was taken", refused);
  });
}

test("Somebody at a terminal is asked, except with BatchMode.", async () => {
  const yes = new Answers("yes");
  assert.equal((await believes(o("UserKnownHostsFile=none"), yes)).refusal, undefined);
  assert.match(yes.text, /The authenticity of host 'vishnu \(10\.0\.0\.2\)' can't be established/);
  const nobody = new Answers();
  const { refusal } = await believes(o("UserKnownHostsFile=none", "BatchMode=yes"), nobody);
  assert.deepEqual([refusal?.code, nobody.text], ["ssh.host-key-unknown", ""]);
});

test("Files of known hosts begin with ~ for the home, may be several, and hold a blank when in quotes.", async () => {
  for (const path of ["one", "folder/two", "with a blank/three"]) {
    knownHosts(path, hostKeyLine("vishnu"));
    const named = `${folder}/not-there "~/${fromHome}/${path}"`;
    assert.deepEqual((await believes(o(`UserKnownHostsFile=${named}`))).known, ["ssh-ed25519"], path);
    const { plan: planned } = await plan(o("UserKnownHostsFile=none", `GlobalKnownHostsFile=${named}`));
    assert.deepEqual((await planned.trust(await loadSsh2(), undefined, never)).hostKeyTypes, ["ssh-ed25519"], path);
    writeFileSync(join(folder, path), "");
  }
});

test("A host is known by the name that HostName says and its port, or by its alias, whatever was typed.", async () => {
  knownHosts("names", ["vishnu", "[vishnu]:2222", "other", "10.0.0.2"].map(hostKeyLine).join(""));
  const known = async (...words: string[]) =>
    (await believes([...o(`UserKnownHostsFile=~/${fromHome}/names`), ...words])).known;
  assert.deepEqual(await known(...o("HostName=10.0.0.2")), ["ssh-ed25519"]);
  assert.deepEqual(await known(...o("HostName=10.0.0.3")), []);
  assert.deepEqual(await known("-p", "2222"), ["ssh-ed25519"]);
  assert.deepEqual(await known(...o("HostKeyAlias=other")), ["ssh-ed25519"]);
  assert.deepEqual(await known(...o("HostKeyAlias=third")), []);
});

test("What is accepted is added to the first file, hashed where that is wanted.", async () => {
  for (const [setting, line] of [
    ["no", /^vishnu ssh-ed25519 /],
    ["yes", /^\|1\|\S+ ssh-ed25519 /],
  ] as const) {
    const path = knownHosts(`added-${setting}`, "");
    await believes(
      o(
        `UserKnownHostsFile=~/${fromHome}/added-${setting}`,
        "StrictHostKeyChecking=accept-new",
        `HashKnownHosts=${setting}`,
      ),
    );
    assert.match(readFileSync(path, "utf8"), line);
  }
});

test("Keys are looked for below the home when they begin with ~, those of -i and those of IdentityFile.", async () => {
  const { log } = await believes([
    ...["-i", "~/no-flag-key", "-i", "/nowhere/key", "-i", "~"],
    ...o("IdentityFile=~/no-config-key", "IdentityFile=relative~/key"),
  ]);
  const missing = log.lines.filter((line) => line.includes("identity file")).map((line) => line.split(" ")[3]);
  assert.deepEqual(missing, ["~/no-flag-key", "/nowhere/key", homedir(), "~/no-config-key", "relative~/key"]);
});
