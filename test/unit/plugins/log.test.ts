import assert from "node:assert/strict";
import { test } from "node:test";
import log from "../../../plugins/log.ts";
import { PorthopError } from "../../../src/errors.ts";
import { setUp as setUpTunnel } from "../../../src/plugin-kit.ts";
import { type FlowFacts, ScriptedFlow, ScriptedHost, setUp } from "../../kit/plugin-host.ts";

/** What is logged of a flow that the test plays. */
async function logged(facts: FlowFacts, play: (flow: ScriptedFlow) => void): Promise<string[]> {
  const { host, middleware } = await setUp(log);
  const flow = new ScriptedFlow(facts);
  const over = flow.enter(middleware);
  play(flow);
  await over.catch(() => {});
  return host.lines;
}

test("A flow that ended is one line at info: who, where to, bytes each way, how long.", async () => {
  const tunnel = await setUpTunnel(log);
  await tunnel.play({ up: [new Uint8Array(1234)], down: [new Uint8Array(5_600_000)] });
  const [open, ended = "", ...more] = tunnel.lines;
  assert.equal(open, "debug log: L1#1 open 127.0.0.1:33458 -> db.internal:5432");
  assert.match(ended, /^info log: L1#1 127\.0\.0\.1:33458 -> db\.internal:5432 up 1\.2 KB, down 5\.6 MB, \d+ms$/);
  assert.deepEqual(more, []);
});

test("How long a flow lived is said in words for people.", async () => {
  const lines = await logged({}, (flow) => {
    flow.ageMs = 1500;
    flow.finish();
  });
  assert.deepEqual(lines, ["info L1#1 127.0.0.1:40000 -> 127.0.0.1:80 up 0 B, down 0 B, 1.5s"]);
});

test("What became of a flow of the chain is said as it is: a break at info, a refusal at debug.", async () => {
  const tunnel = await setUpTunnel(log);
  await tunnel.play({ up: ["x"], breaks: "target" });
  assert.match(tunnel.lines.splice(0).join(), /info log: L1#1 .*, aborted: the target broke the connection$/);
  await tunnel.play({ refuses: true });
  assert.deepEqual(tunnel.lines, [
    "debug log: L1#2 refuse 127.0.0.1:33458 -> db.internal:5432: the target refused the connection",
  ]);
});

for (const opened of [true, false]) {
  test(`A plugin's decision reads as one, ${opened ? "" : "not "}yet open.`, async () => {
    const decision = new PorthopError("cancelled", "plugin cut ended this flow: enough", { by: "plugin:cut" });
    const lines = await logged({}, (flow) => {
      if (opened) flow.legs[2].opened();
      flow.break(decision);
    });
    assert.match(lines.at(-1) ?? "", /^info L1#1 .* 0ms, aborted: plugin cut ended this flow: enough$/);
  });
}

test("A client that broke off before its target was reached is a line at info, for no error tells of it.", async () => {
  const lines = await logged({}, (flow) =>
    flow.break(new PorthopError("target.unreachable", "the connection with 127.0.0.1:40000 broke", { leg: 1 })),
  );
  assert.match(lines.join(), /^info L1#1 .* 0ms, aborted: the connection with 127\.0\.0\.1:40000 broke$/);
});

test("A stop of porthop while the target is dialed is no line at info.", async () => {
  const lines = await logged({}, (flow) => flow.break(new PorthopError("cancelled", "porthop is stopping")));
  assert.match(lines.join(), /^debug L1#1 refuse .*: porthop is stopping$/);
});

test("Nothing is said at info while the flow is open.", async () => {
  const { host, middleware } = await setUp(log);
  const flow = new ScriptedFlow();
  const over = flow.enter(middleware);
  flow.legs[2].opened();
  assert.deepEqual(host.lines, ["debug L1#1 open 127.0.0.1:40000 -> 127.0.0.1:80"]);
  flow.finish();
  await over;
});

test("Where no line would be shown none is made, nor is the flow watched for one.", async () => {
  const host = new ScriptedHost([], 1, ["info", "debug"]);
  const middleware = await log.setup(host, {});
  const flow = new ScriptedFlow();
  flow.legs[2].watch = () => assert.fail("it watches");
  const over = flow.enter(middleware);
  flow.finish();
  await over;
  const broken = new ScriptedFlow();
  broken.break(new Error("it broke"));
  await assert.rejects(broken.enter(middleware), { message: "it broke" });
  assert.deepEqual(host.lines, []);
});

test("IPv6 stands in brackets, names and socket paths as they are.", async () => {
  const facts = { id: "D1#2", origin: { host: "::1", port: 4 }, target: { host: "db.internal", port: 5432 } };
  assert.match((await logged(facts, (flow) => flow.finish())).join(), /D1#2 \[::1\]:4 -> db\.internal:5432 up 0 B/);
  const unix = { origin: { path: "/run/app.sock" }, target: { path: "/run/db.sock" } };
  assert.match((await logged(unix, (flow) => flow.finish())).join(), / \/run\/app\.sock -> \/run\/db\.sock up 0 B/);
});

test("Labels follow in the order in which they were set.", async () => {
  const lines = await logged({}, (flow) => {
    flow.labels.set("protocol", "http");
    flow.labels.set("user", "ada");
    flow.finish();
  });
  assert.match(lines.join(), / up 0 B, down 0 B, 0ms protocol=http user=ada$/);
});

test("A flow that broke says so at info, with the reason, and the error goes on.", async () => {
  const { host, middleware } = await setUp(log);
  const flow = new ScriptedFlow();
  const over = flow.enter(middleware);
  flow.legs[2].opened();
  flow.up.bytes = 10;
  flow.labels.set("protocol", "tls");
  const reason = new PorthopError("ssh.lost", "the session with vishnu was lost", { leg: 2 });
  flow.break(reason);
  await assert.rejects(over, (error) => error === reason);
  const line = "up 10 B, down 0 B, 0ms protocol=tls, aborted: the session with vishnu was lost";
  assert.deepEqual(host.lines.slice(1), [`info L1#1 127.0.0.1:40000 -> 127.0.0.1:80 ${line}`]);
});

test("A flow that was refused is told at debug only: the error itself is reported elsewhere.", async () => {
  const refused = new PorthopError("target.refused", "127.0.0.1:80 refused the connection", { leg: 3 });
  const lines = await logged({}, (flow) => {
    flow.legs[2].refused(refused);
    flow.break(refused);
  });
  assert.deepEqual(lines, ["debug L1#1 refuse 127.0.0.1:40000 -> 127.0.0.1:80: 127.0.0.1:80 refused the connection"]);
});

test("A redirect shows in the line: the target is the one that was dialed.", async () => {
  const lines = await logged({}, (flow) => {
    flow.target = { host: "10.0.0.9", port: 81 };
    flow.finish();
  });
  assert.match(lines.join(), /127\.0\.0\.1:40000 -> 10\.0\.0\.9:81/);
});

test("Control characters of names, labels and reasons from the network are shown escaped.", async () => {
  const hostile = "a\x1b[2Jb\nc\u202ed";
  const lines = await logged({ target: { host: hostile, port: 1 }, origin: { path: `/tmp/${hostile}` } }, (flow) => {
    flow.legs[2].opened();
    flow.labels.set(`k${hostile}`, hostile);
    flow.break(new Error(hostile));
  });
  assert.equal(lines.length, 2);
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
  const shown = "a\\x1b[2Jb\\nc\\u202ed";
  assert.equal(lines[0], `debug L1#1 open /tmp/${shown} -> ${shown}:1`);
  assert.ok(lines[1]?.endsWith(`0ms k${shown}=${shown}, aborted: ${shown}`), lines[1]);
});

test("However long names, labels and reasons are, the line stays readable.", async () => {
  const long = "x".repeat(100_000);
  const lines = await logged({ target: { host: long, port: 1 } }, (flow) => {
    flow.legs[2].opened();
    flow.labels.set("label", long);
    flow.break(new Error(long));
  });
  for (const line of lines) assert.ok(line.length < 1000, `${line.length} characters`);
});

test("Whatever is thrown, even what is no error, is told.", async () => {
  const { host, middleware } = await setUp(log);
  const thrown: unknown = "just text";
  await assert.rejects(async () => middleware(new ScriptedFlow(), () => Promise.reject(thrown)));
  assert.match(host.lines.join(), /refuse .*: just text$/);
});

function refusedAt(count: number, message: string) {
  const error = new PorthopError("target.prohibited", message, { leg: 1 });
  const flow = { flow: `D1#${count}`, forward: "D1", origin: { host: "127.0.0.1", port: 4000 }, target: null };
  return { event: "flow.close", ...flow, up: 0, down: 0, ms: 1, reason: "refused", error } as const;
}

test("A client of a proxy that was refused is one line at info: which, and why, shown harmlessly.", async () => {
  const tunnel = await setUpTunnel(log);
  tunnel.tell(refusedAt(4, "SOCKS5 command 3 is not supported\x1b[2J"));
  assert.deepEqual(tunnel.lines, [
    "info log: D1#4 127.0.0.1:4000 was refused: SOCKS5 command 3 is not supported\\x1b[2J",
  ]);
});

test("A flood of refused clients is some lines at info, and all of them at debug.", async () => {
  const tunnel = await setUpTunnel(log);
  for (let count = 1; count <= 1000; count++) tunnel.tell(refusedAt(count, "garbage"));
  await tunnel.dispose();
  const info = tunnel.lines.filter((line) => line.startsWith("info "));
  assert.equal(info.length, 22);
  assert.deepEqual(info.slice(-2), [
    "info log: more are refused: only --log debug tells of each for a minute",
    "info log: 980 more were refused",
  ]);
  assert.equal(tunnel.lines.filter((line) => line.startsWith("debug ")).length, 980);
});
