/** Every sample of the guide to plugins is loaded as a user's file and does what the guide says. */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Malformed } from "../../../src/codec/malformed.ts";
import { parsePluginSpec } from "../../../src/codec/words/plugin-spec.ts";
import { publicEvents } from "../../../src/flow/bus.ts";
import { preparePlugin } from "../../../src/forward/plan/plugin-list.ts";
import { type MadeUpTunnel, type PlayedFlow, setUp } from "../../../src/plugin-kit.ts";
import { broken, carryFlow, targetAddress } from "../../kit/carried-flow.ts";
import { guide, samples, samplesFolder } from "../../kit/plugin-guide.ts";
import { ScriptedFlow, ScriptedHost } from "../../kit/plugin-host.ts";
import { removeTemp } from "../../kit/temp.ts";

const folder = samplesFolder();
after(() => removeTemp(folder));

/** The sample in a made-up tunnel. */
async function loaded(name: string, options: Readonly<Record<string, string>> = {}): Promise<MadeUpTunnel> {
  const module: { readonly default?: unknown } = await import(pathToFileURL(join(folder, name)).href);
  return setUp(module.default, options);
}

/** The sample with a host alone, where a test says itself how long a flow lives and what happens on its legs. */
async function alone(name: string, options: Readonly<Record<string, string>> = {}) {
  const texts = new Map(Object.entries(options));
  const prepared = await preparePlugin({ name: join(folder, name), isFile: true, options: texts });
  const host = new ScriptedHost();
  return { host, middleware: await prepared.setup(host) };
}

/** Each character is a byte. */
function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function text(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString("latin1");
}

function howItEnded({ close }: PlayedFlow): string {
  return close.error === undefined ? close.reason : `${close.reason}: ${close.error.message}`;
}

test("All samples are here, and no fenced block of TypeScript is anything else.", () => {
  const names = [
    "hello",
    "greet",
    "banner",
    "request",
    "upper",
    "redact",
    "slow",
    "gate",
    "cut",
    "legs",
    "keylog",
    "tally",
    "troubles",
    "allow",
    "upper.test",
    "cut.test",
  ];
  assert.deepEqual(
    samples.map(({ name }) => name),
    names.map((name) => `${name}.ts`),
  );
  assert.equal(guide.match(/^```ts$/gm)?.length, samples.length);
});

test("Every --use in the guide can be read, and fits the sample that it names.", async () => {
  const uses = [...guide.matchAll(/--use ([^\s`]+)/g)].map(([, text = ""]) => text);
  assert.ok(uses.length >= 4);
  for (const use of uses) {
    const spec = parsePluginSpec(use);
    assert.equal(spec.isFile, true);
    if (!samples.some(({ name }) => spec.name === `./${name}`)) continue;
    await preparePlugin({ ...spec, name: join(folder, spec.name) });
  }
});

test("hello.ts says hello for each connection.", async () => {
  const tunnel = await loaded("hello.ts");
  const flow = await tunnel.play({ up: ["question"], down: ["answer"] });
  assert.deepEqual([tunnel.lines, text(flow.up), text(flow.down)], [["info hello: hello, L1#1"], "question", "answer"]);
});

test("greet.ts takes its word, and says goodbye to those who stayed longer.", async () => {
  const stay = async (options: Readonly<Record<string, string>>, ageMs: number) => {
    const { host, middleware } = await alone("greet.ts", options);
    const flow = new ScriptedFlow();
    flow.ageMs = ageMs;
    flow.finish();
    await flow.enter(middleware);
    return host.lines;
  };
  assert.deepEqual(await stay({}, 100_000), ["info hello, L1#1"]);
  assert.deepEqual(await stay({ word: "welcome", above: "30s" }, 30_000), ["info welcome, L1#1"]);
  assert.deepEqual(await stay({ above: "30s" }, 30_001), ["info hello, L1#1", "info goodbye, L1#1"]);
  await assert.rejects(loaded("greet.ts", { above: "late" }), {
    code: "plugin.invalid",
    message: /option "above": "late" is not a duration/,
  });
});

test("banner.ts keeps everybody away from the moment in which it gets a reason, and does not take two lines.", async () => {
  const tunnel = await loaded("banner.ts");
  assert.equal((await tunnel.play()).close.reason, "ended");
  tunnel.changeOptions({ reason: "moving house" });
  assert.throws(() => tunnel.changeOptions({ reason: "two\nlines" }), { message: "a reason is one line" });
  assert.equal(howItEnded(await tunnel.play()), "refused: plugin banner refused this flow: moving house");
});

test("request.ts labels the flow with its first request, and changes nothing.", async () => {
  const tunnel = await loaded("request.ts");
  const up = ["GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n", "POST /second HTTP/1.1\r\n\r\n"];
  const flow = await tunnel.play({ up });
  assert.equal(text(flow.up), up.join(""));
  assert.deepEqual([...flow.labels], [["request", "GET /index.html"]]);
  const other = await tunnel.play({ up: ["\x16\x03\x01\x02\x00", "GET /late HTTP/1.1"] });
  assert.equal(other.labels.size, 0);
});

test("upper.ts answers in capitals; the memory of a chunk stays as it was.", async () => {
  const tunnel = await loaded("upper.ts");
  const answer = bytes("hello, [world] {é}");
  const flow = await tunnel.play({ up: ["question"], down: [answer] });
  assert.deepEqual([text(flow.up), text(flow.down)], ["question", "HELLO, [WORLD] {é}"]);
  assert.equal(text([answer]), "hello, [world] {é}");
});

test("redact.ts takes out the credentials wherever the chunks are cut, and nothing else.", async () => {
  const tunnel = await loaded("redact.ts");
  const request = "GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nHost: x\r\n\r\nb\xf6dy\0\nAUTHORIZATION:secret";
  const expected = "GET / HTTP/1.1\r\nAuthorization: none\r\nHost: x\r\n\r\nb\xf6dy\0\nAUTHORIZATION:none";
  for (let cut = 0; cut <= request.length; cut++) {
    const flow = await tunnel.play({ up: [request.slice(0, cut), request.slice(cut)].filter(Boolean).map(bytes) });
    assert.equal(text(flow.up), expected, `cut at ${cut}`);
  }
});

test("redact.ts breaks a flow whose line never ends, with an error that names the plugin.", async () => {
  const tunnel = await loaded("redact.ts");
  const flow = await tunnel.play({ up: [new Uint8Array(65_536).fill(0x61), Uint8Array.of(0x61)] });
  assert.deepEqual(flow.up, []);
  assert.equal(howItEnded(flow), "aborted: plugin redact failed on this flow: a line of more than 65536 bytes");
});

test("slow.ts hands on everything, each way, and later.", async () => {
  const tunnel = await loaded("slow.ts", { by: "30ms" });
  const start = performance.now();
  const flow = await tunnel.play({ up: ["ques", "tion"], down: ["ans", "wer"] });
  assert.deepEqual([text(flow.up), text(flow.down)], ["question", "answer"]);
  assert.ok(performance.now() - start >= 29);
});

test("gate.ts refuses one port, sends one host elsewhere, and lets all others through.", async () => {
  const closed = await (await loaded("gate.ts", { closed: "5432" })).play();
  assert.equal(howItEnded(closed), "refused: plugin gate refused this flow: port 5432 is closed");
  assert.equal(closed.dialed, undefined);
  const moved = await loaded("gate.ts", { closed: "1", moved: "db.internal", to: "10.0.0.9" });
  assert.deepEqual((await moved.play()).dialed, { host: "10.0.0.9", port: 5432 });
  const other = await loaded("gate.ts", { closed: "1", moved: "old.internal" });
  for (const target of [{ host: "db.internal", port: 5432 }, { path: "/run/db.sock" }]) {
    assert.deepEqual((await other.play({ target })).dialed, target);
  }
});

test("cut.ts resets both connections when the answer is longer than it may be, and says that it was its decision.", async () => {
  const tunnel = await loaded("cut.ts", { after: "3" });
  assert.equal(text((await tunnel.play({ down: ["abc"] })).down), "abc");
  const flow = await tunnel.play({ down: ["abcd"] });
  assert.deepEqual(flow.down, []);
  assert.equal(howItEnded(flow), "aborted: plugin cut ended this flow: more than 3 bytes");
});

test("legs.ts tells what happens on each of the three connections.", async () => {
  const { host, middleware } = await alone("legs.ts");
  assert.deepEqual([...host.locates], [3]);
  const wire = host.startSession("vishnu", { host: "10.0.0.1", port: 33_450 }, { host: "10.0.0.2", port: 22 });
  wire.opened();
  wire.bytes("up", new Uint8Array(40));
  wire.bytes("down", new Uint8Array(2));
  wire.ended("down");
  wire.aborted("down", new Error("connection reset"));
  assert.deepEqual(host.lines.splice(0), [
    "info leg 2 to vishnu ended down after 42 bytes",
    "info leg 2 to vishnu broke (connection reset) after 42 bytes",
  ]);
  const located = { from: { host: "10.0.0.2", port: 33_513 }, to: { host: "10.0.0.3", port: 5432 } };
  const { flow, outcome } = await carryFlow({
    middlewares: { legs: middleware },
    dial: async (dialed) => {
      const { conn } = await dialed;
      return { conn, leg: { from: undefined, to: targetAddress, observed: false, locate: async () => located } };
    },
  });
  await new Promise((resolve) => setImmediate(resolve));
  flow.abort(broken(3));
  await outcome;
  assert.deepEqual(host.lines, [
    "info L1#17 leg 1: 127.0.0.1:33458 -> 127.0.0.1:3456",
    "info L1#17 leg 3: 10.0.0.2:33513 -> 10.0.0.3:5432",
    "info L1#17 leg 3 broke down: the cable was cut",
  ]);
});

test("keylog.ts writes down what it is told, for nobody else to read.", async () => {
  const file = join(folder, "keys.log");
  const tunnel = await loaded("keylog.ts", { file });
  for (const line of ["0a 0b", "0a SHARED_SECRET 0c"]) tunnel.tellKeys(line);
  assert.equal(readFileSync(file, "utf8"), "0a 0b\n0a SHARED_SECRET 0c\n");
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("tally.ts adds up flows that ended and flows that broke, tells now and then, and at the end.", {
  timeout: 20_000,
}, async () => {
  const tunnel = await loaded("tally.ts", { every: "10ms" });
  await tunnel.play({ up: ["question"], down: ["the answer"] });
  await tunnel.play({ up: ["x"], breaks: "origin" });
  tunnel.lines.length = 0;
  while (tunnel.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(tunnel.lines[0], "info tally: 2 flows, 9 bytes up, 10 bytes down");
  await tunnel.dispose();
  const told = tunnel.lines.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(tunnel.lines.length, told, "its timer is off");
});

test("troubles.ts counts what went wrong by its code, and tells when a session is lost.", async () => {
  const tunnel = await loaded("troubles.ts");
  assert.equal(text((await tunnel.play({ up: ["question"] })).up), "question");
  for (const leg of [3, 2] as const) tunnel.tell({ event: "error", error: broken(leg), flow: "L1#17" });
  assert.equal((await tunnel.play({ breaks: "target" })).close.by, "target");
  const session = { event: "session", id: "S1", host: "vishnu", port: 22, user: "anna", attempt: 1 } as const;
  for (const state of ["ready", "lost", "closed"] as const) tunnel.tell({ ...session, state });
  assert.deepEqual(tunnel.lines.splice(0), ["warn troubles: vishnu is gone"]);
  await tunnel.dispose();
  assert.deepEqual(tunnel.lines, ["info troubles: 2 times target.unreachable", "info troubles: 1 times ssh.lost"]);
});

test("allow.ts lets through the hosts of its list, and cannot be set up without it.", async () => {
  const list = join(folder, "hosts.txt");
  await assert.rejects(loaded("allow.ts", { list }), {
    code: "file.cannot-read",
    message: `cannot read the list of hosts ${list}`,
    hint: "make a file with one host a line",
  });
  writeFileSync(list, "db.internal\r\nweb.internal\n");
  const tunnel = await loaded("allow.ts", { list });
  assert.deepEqual(tunnel.lines, ["info allow: 2 hosts are allowed"]);
  assert.equal((await tunnel.play()).close.reason, "ended");
  const other = await tunnel.play({ target: { host: "evil.example", port: 80 } });
  assert.match(howItEnded(other), /^refused: .*evil\.example is not on the list$/);
  await assert.rejects(loaded("allow.ts"), /option "list" is required/);
});

test("What the guide says of the types of options is what porthop reads.", async () => {
  const rows = [...guide.matchAll(/^\| `(text|number|flag|rate|size|duration)`\s*\| (.*?)\s*\|/gm)];
  assert.equal(rows.length, 6);
  const file = join(folder, "types.ts");
  const record = rows.map(([, type]) => `${type}: { type: "${type}", about: "one of each" }`).join(", ");
  writeFileSync(file, `export default { name: "types", about: "all", options: { ${record} }, setup: () => () => {} };`);
  for (const [, type = "", written = ""] of rows.filter(([, type]) => type !== "text")) {
    const values = [...written.matchAll(/`([^`]+)`/g)].map(([, value = ""]) => value);
    assert.ok(values.length > 0);
    for (const value of values) {
      await assert.doesNotReject(preparePlugin({ name: file, isFile: true, options: new Map([[type, value]]) }));
    }
  }
  assert.throws(() => parsePluginSpec("./types.ts:text=a,b"), Malformed);
  assert.equal(parsePluginSpec('./types.ts:text="a,b"').options.get("text"), "a,b");
});

test("The guide tells of every event that there is, and of no other.", () => {
  const rows = [...guide.matchAll(/^\| `([a-z.]+)`\s*\| /gm)].map(([, name = ""]) => name);
  const isEvent = (name: string) => /^(flow\.|session$|listening$|ready$|error$|reconnect$|forward\.|held$)/.test(name);
  assert.deepEqual(rows.filter(isEvent).toSorted(), publicEvents.toSorted());
});
