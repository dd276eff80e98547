/** Plugins that do not exist, do not load, do not take their options, or break: named, and nobody else suffers. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertClean, assertEvents, assertFails, assertTold } from "./failure.ts";
import { handOver, normalUser, normalUserTools } from "./normal-user.ts";
import { assertReset } from "./reset-client.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const plain = { timeout: 60_000 };
const limits = { ...plain, skip: need("sshd", "ssh-keygen") };
const theSshd = shared(() => startSshd());
const folder = tempDirectory("bad-plugins");
after(() => removeTemp(folder));

const rest = ["-L", "18080:localhost:80", "-p", "1", "127.0.0.1"];

/** A plugin's file with this text. */
function plugin(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test(
  "A plugin that does not exist is named, with the one that was meant and those that there are.",
  plain,
  async () => {
    const missing = { exit: 1, code: "plugin.not-found" } as const;
    await assertFails(["--use", "lmit:rate=1MB/s", ...rest], {
      ...missing,
      says: ['there is no plugin "lmit"', "did you mean limit?"],
      hint: /log, limit, capture/,
    });
    await assertFails(["--use", "constructor", ...rest], { ...missing, says: ['"constructor"'] });
    await assertFails(["--use", "./mine.ts", ...rest], {
      ...missing,
      says: ["no plugin file ./mine.ts"],
      hint: /path/,
    });
    mkdirSync(join(folder, "folder.ts"));
    await assertFails(["--use", join(folder, "folder.ts"), ...rest], { ...missing, says: ["folder.ts is no file"] });
  },
);

test(
  "An option that a plugin does not have, a value that it cannot have, and one that is missing are named.",
  plain,
  async () => {
    const invalid = { exit: 1, code: "plugin.invalid" } as const;
    const rows: readonly (readonly [use: string, ...says: string[]])[] = [
      ["limit:rat=1MB/s", 'option "rat" is unknown (did you mean rate?)', "rate, up, down"],
      ["limit:rate=fast", 'option "rate": "fast" is not a rate'],
      ["limit:rate=0", 'option "rate": "0"'],
      ["limit:rate=1MB/s,per=moon", 'option "per": "moon" is not one of flow, all'],
      ["limit", "plugin limit needs a rate"],
      ["capture", 'option "file" is required'],
      ["capture:file=x.pcap,snaplen=many", 'option "snaplen": "many" is not a whole number'],
      ["capture:file=x.pcap,snaplen=-1", "snaplen=-1"],
      ["capture:file=x.pcap,legs=4", "legs=4"],
      ["log:loud=yes", 'option "loud" is unknown; it takes none'],
    ];
    for (const [use, ...says] of rows) await assertFails(["--use", use, ...rest], { ...invalid, says });
    await assertFails(["--rate-limit", "4 bananas", ...rest], { ...invalid, says: ['"4 bananas" is not a rate'] });
    const usage = { exit: 2, code: "usage" } as const;
    await assertFails(["--use", "limit:rate", ...rest], { ...usage, says: ['option "rate" has no value'] });
    await assertFails(["--use", "limit:up=1,up=2", ...rest], { ...usage, says: ['option "up" is given twice'] });
    await assertFails(["--use", "", ...rest], { ...usage, says: ["the name is missing"] });
  },
);

test("A plugin's file that throws, or is no plugin, is told with its own words on one line.", plain, async () => {
  const rows: readonly (readonly [text: string, ...says: string[]])[] = [
    ['throw new Error("boom at load\\nsecond line\\x1b[31m");', "boom at load\\nsecond line\\x1b[31m"],
    ['throw "only a string";', "only a string"],
    ["throw null;", "null"],
    ["export default {", "cannot load the plugin"],
    ["\u0000\u0001\u00ff", "cannot load the plugin"],
    ['import x from "./not-there.ts"; export default x;', "not-there.ts"],
    ['export default async () => { throw new TypeError("async boom"); };', "async boom"],
    ["", "is no plugin"],
    ["export default 42;", "is no plugin"],
    ['export default { name: "half" };', "needs a name and a setup function"],
  ];
  for (const [index, [text, ...says]] of rows.entries()) {
    const path = plugin(`load-${index}.ts`, text);
    const hint = /plugins\/README\.md shows/;
    await assertFails(["--use", path, ...rest], { exit: 1, code: "plugin.invalid", says: [path, ...says], hint });
  }
});

test("A plugin's file that may not be read is named.", { ...plain, skip: need(...normalUserTools) }, async () => {
  await using user = await normalUser();
  const path = join(user.home, "unreadable.ts");
  writeFileSync(path, "export default {};");
  handOver(path);
  chmodSync(path, 0);
  assertTold(await user.run(["run", "--use", path, ...rest]), { exit: 1, code: "plugin.invalid", says: [path] });
});

test("A plugin that cannot be set up is named, and nothing is connected.", plain, async () => {
  const head = 'export default { name: "mine", about: "x", setup';
  const failed = { exit: 1, code: "plugin.failed" } as const;
  const rows: readonly (readonly [text: string, ...says: string[]])[] = [
    [`${head}() { throw new Error("no luck"); } };`, "plugin mine could not be set up: no luck"],
    [`${head}() { return 5; } };`, "plugin mine could not be set up", "no middleware"],
    [`${head}: async () => { throw "just so"; } };`, "could not be set up: just so"],
  ];
  for (const [index, [text, ...says]] of rows.entries()) {
    await assertFails(["--use", plugin(`setup-${index}.ts`, text), ...rest], { ...failed, says });
  }
});

test("Ctrl-C ends a porthop whose plugin never gets ready, wherever it hangs.", plain, async () => {
  const texts = [
    "await new Promise(() => {});",
    "export default () => new Promise(() => {});",
    'export default { name: "x", about: "x", setup: () => new Promise(() => {}) };',
  ];
  for (const [index, text] of texts.entries()) {
    const path = plugin(`never-${index}.ts`, `process.stderr.write("started\\n"); ${text}`);
    await using program = porthop(["run", "--json", "--use", path, ...rest]);
    await program.stderr(/started/);
    program.signal("SIGINT");
    const exit = await program.exit;
    assert.deepEqual([exit.code, exit.stderr], [130, "started\n"]);
    assert.match(exit.stdout, /"event":"exit".*"code":130/);
  }
});

test("A second Ctrl-C ends a porthop whose plugin never lets go.", limits, async () => {
  const path = plugin(
    "clings.ts",
    `export default { name: "clings", about: "x", setup(host) {
      host.onDispose(() => { process.stderr.write("disposing\\n"); return new Promise(() => {}); });
      return (flow, next) => next();
    } };`,
  );
  await using tunnel = await openTunnel(await theSshd(), [{ host: "localhost", port: 9 }], { args: ["--use", path] });
  tunnel.program.signal("SIGINT");
  await tunnel.program.stderr(/disposing/);
  tunnel.program.signal("SIGINT");
  assert.equal((await tunnel.program.exit).code, 130);
});

test("A plugin that breaks on a flow ends that flow only, with a reset and its name.", limits, async () => {
  const path = plugin(
    "breaks.ts",
    `let flows = 0;
    export default { name: "breaks", about: "x", setup: () => (flow, next) => {
      flows += 1;
      if (flows === 1) throw new Error("before");
      if (flows === 2) flow.up.pipe(async function* (chunks) { for await (const _ of chunks) throw new Error("inside\\x1b[2J"); });
      if (flows === 3) return;
      return next();
    } };`,
  );
  await using echo = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [echo], { args: ["--use", path] });
  const codes = ["plugin.failed", "plugin.failed", "target.prohibited"];
  for (const [index, code] of codes.entries()) {
    await assertReset(tunnel.port);
    const error = await tunnel.program.event("error", ({ flow }) => flow === `L1#${index + 1}`);
    assert.equal(error.code, code);
    assert.match(error.message ?? "", /^plugin breaks (failed on this flow: (before|inside)|refused this flow)/);
  }
  await using client = await tunnel.connect();
  await client.send("hello");
  await client.got(5);
  client.end();
  await client.received;
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
});

test("What a plugin throws where nobody can catch it ends porthop with an error and no stack.", limits, async () => {
  const late = ['setTimeout(() => { throw new Error("too late"); });', 'void Promise.reject(new Error("too late"));'];
  await using echo = await echoServer();
  for (const [index, text] of late.entries()) {
    const path = plugin(
      `late-${index}.ts`,
      `export default { name: "late", about: "x", setup: () => (flow, next) => { ${text} return next(); } };`,
    );
    await using tunnel = await openTunnel(await theSshd(), [echo], { args: ["--use", path] });
    await using _client = await tunnel.connect();
    const exit = await tunnel.program.exit;
    assertClean(exit);
    assert.match(exit.stderr, /^porthop: Error: too late \[internal\]\n {2}hint: .+$/m);
    assert.equal(assertEvents(exit, 1).code, "internal");
  }
});
