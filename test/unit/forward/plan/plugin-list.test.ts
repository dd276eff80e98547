import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import type { PluginSpec } from "../../../../src/codec/words/plugin-spec.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { builtInNames, loadBuiltIn, preparePlugin } from "../../../../src/forward/plan/plugin-list.ts";
import { ScriptedHost } from "../../../kit/plugin-host.ts";
import { currentRuntime } from "../../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("plugin-list");
after(() => removeTemp(folder));

let files = 0;

/** A plugin file with this text. */
function written(text: string, ending = "ts"): string {
  const path = join(folder, `plugin-${++files}.${ending}`);
  writeFileSync(path, text);
  return path;
}

function spec(name: string, options: Readonly<Record<string, string>> = {}): PluginSpec {
  return { name, isFile: name.includes("/"), options: new Map(Object.entries(options)) };
}

async function refusal(name: string, options?: Readonly<Record<string, string>>): Promise<PorthopError> {
  try {
    await preparePlugin(spec(name, options));
  } catch (error) {
    assert.ok(error instanceof PorthopError, `threw ${String(error)}`);
    assert.equal(error.exitCode, 1);
    assert.doesNotMatch(error.message + error.hint, /[\p{Cc}]/u);
    return error;
  }
  throw new Error(`${name} was taken for a plugin`);
}

const minimal = `{ name: "mine", about: "does nothing", setup: () => (_flow, next) => next() }`;

/** Says what its options hold, in the log. */
const telling = `{
  name: "telling",
  about: "tells its options",
  options: {
    rate: { type: "rate", about: "how fast", default: "1KB/s" },
    count: { type: "number", about: "how many" },
  },
  setup(host, options) {
    host.log.info(JSON.stringify(options));
    return (_flow, next) => next();
  },
}`;

test("The built-in plugins are log, limit and capture, each under its own name and with a line about it.", async () => {
  assert.deepEqual(builtInNames, ["log", "limit", "capture"]);
  for (const name of builtInNames) {
    const plugin = await loadBuiltIn(name);
    assert.equal(plugin.name, name);
    assert.match(plugin.about, /^\S.{10,100}$/);
    for (const option of Object.values(plugin.options ?? {})) assert.match(option.about, /^\S.{3,100}$/);
  }
});

test("A built-in plugin is made ready with its options read, and set up with them.", async () => {
  const prepared = await preparePlugin(spec("limit", { up: "1MB/s" }));
  assert.equal(prepared.name, "limit");
  assert.equal(typeof (await prepared.setup(new ScriptedHost())), "function");
});

test("Options that may change while it runs are read as at the start, all of a change or none of it.", async () => {
  const { options } = await preparePlugin(spec("limit", { up: "1MB/s" }));
  assert.ok(options !== undefined);
  const next = options.with(new Map(Object.entries({ up: "2MB/s", burst: "64KB" })));
  const { up, down, per, burst } = next.values;
  assert.deepEqual([up, down, per, burst], [2_000_000, undefined, "flow", 64_000]);
  assert.equal(next.with(new Map([["down", "1KB/s"]])).values["up"], 2_000_000, "a change stays");
  assert.equal(options.values["up"], 1_000_000);
  for (const [change, message] of [
    [{ per: "all" }, 'plugin limit: option "per" cannot be changed while it runs; what can is rate, up, down, burst'],
    [{ up: "fast" }, /^plugin limit: option "up": "fast" is not a rate/],
    [{ upp: "1MB/s" }, /^plugin limit: option "upp" is unknown \(did you mean up\?\)/],
  ] as const) {
    assert.throws(() => options.with(new Map(Object.entries(change))), { code: "plugin.invalid", message });
  }
  const fixed = await preparePlugin(spec("capture", { file: join(folder, "x.pcapng") }));
  assert.throws(() => fixed.options?.with(new Map([["snaplen", "1"]])), /none of its options can$/);
});

test("A name that is nearly right is answered with the right one.", async () => {
  const error = await refusal("limti");
  assert.equal(error.code, "plugin.not-found");
  assert.equal(error.message, 'there is no plugin "limti" (did you mean limit?)');
  assert.equal(error.hint, "built in are log, limit, capture; a file of your own is named ./mine.ts");
});

for (const name of ["frobnicate", "toString", "__proto__", "constructor", "a\x1b[2J\nb"]) {
  test(`There is no plugin ${JSON.stringify(name)}.`, async () => {
    const error = await refusal(name);
    assert.deepEqual([error.code, /^there is no plugin "/.test(error.message)], ["plugin.not-found", true]);
    assert.doesNotMatch(error.message, /did you mean/);
  });
}

test("An option that the plugin does not have is refused with those it has.", async () => {
  const error = await refusal("limit", { ratee: "1MB/s" });
  assert.equal(error.code, "plugin.invalid");
  assert.match(error.message, /^plugin limit: option "ratee" is unknown \(did you mean rate\?\); there are rate, up, /);
  assert.match(error.hint, /^it takes rate \(for both directions.*\); up \(from origin to target/);
});

test("An option's value that cannot be read is refused with what was expected.", async () => {
  const error = await refusal("limit", { rate: "fast\x1b" });
  assert.equal(error.code, "plugin.invalid");
  assert.match(error.message, /^plugin limit: option "rate": "fast\\x1b" is not a rate such as 500KB\/s/);
});

test("A required option that is missing is named.", async () => {
  const error = await refusal("capture");
  assert.match(error.message, /^plugin capture: option "file" is required: out\.pcapng/);
});

test("A plugin without options says so.", async () => {
  const error = await refusal("log", { level: "debug" });
  assert.deepEqual(
    [error.message, error.hint],
    ['plugin log: option "level" is unknown; it takes none', "plugin log takes no options"],
  );
});

for (const [form, text] of [
  ["an object", `export default ${telling};`],
  ["a function", `export default ({ definePlugin }) => definePlugin(${telling});`],
  ["an async function", `export default async ({ definePlugin }) => definePlugin(${telling});`],
  ["TypeScript", `import type { Plugin } from "porthop";\nconst it: Plugin = ${telling};\nexport default it;`],
] as const) {
  test(`A file's default export may be ${form}.`, async () => {
    const prepared = await preparePlugin(spec(written(text), { count: "3" }));
    assert.equal(prepared.name, "telling");
    const host = new ScriptedHost();
    await prepared.setup(host);
    assert.deepEqual(host.lines, ['info {"rate":1000,"count":3}']);
  });
}

test("A file's function is handed the toolkit: what it needs to speak to people, and the delay line.", async () => {
  const text = `export default (toolkit) => toolkit.definePlugin({
    name: "speaking",
    about: "says what it got",
    setup(host) {
      const { formatAddress, formatBytes, formatDuration, visible, delayLine } = toolkit;
      host.log.info([
        formatAddress({ host: "::1", port: 80 }), formatBytes(1234), formatDuration(90_000), visible("a\\x1b[2J", 10),
        typeof delayLine,
      ].join(" "));
      host.log.info(Object.keys(toolkit).sort().join(" "));
      return (_flow, next) => next();
    },
  });`;
  const host = new ScriptedHost();
  await (await preparePlugin(spec(written(text)))).setup(host);
  assert.deepEqual(host.lines, [
    "info [::1]:80 1.2 KB 1m30s a\\x1b[2J function",
    "info definePlugin delayLine formatAddress formatBytes formatDuration visible",
  ]);
});

test("A plugin may say for which contract it is written; none is the first.", async () => {
  for (const version of ["1", "undefined"]) {
    const text = `export default { ...${minimal}, porthop: ${version} };`;
    assert.equal((await preparePlugin(spec(written(text)))).name, "mine");
  }
  // Whatever else a later one may look like.
  for (const text of [`export default { ...${minimal}, porthop: 2 };`, "export default () => ({ porthop: 2 });"]) {
    const error = await refusal(written(text));
    assert.equal(error.code, "plugin.invalid");
    assert.match(
      error.message,
      /\.ts is written for version 2 of porthop's plugin contract; this porthop has version 1$/,
    );
    assert.equal(error.hint, "use a later porthop, or an earlier version of the plugin");
  }
  for (const version of ["0", "'1'", "1.5", "null", "{}"]) {
    const error = await refusal(written(`export default { ...${minimal}, porthop: ${version} };`));
    assert.match(error.message, /written for a plugin contract that porthop never had; this porthop has version 1$/);
    assert.equal(error.hint, "its record says porthop: 1, or leaves that out");
  }
});

for (const ending of ["ts", "js", "mjs"]) {
  test(`A file may end in .${ending}, and its path may be relative and have blanks and signs.`, async () => {
    const path = join(folder, `my #1 ünique%20plugin.${ending}`);
    writeFileSync(path, `export default ${minimal};`);
    assert.equal((await preparePlugin(spec(path))).name, "mine");
    assert.equal((await preparePlugin(spec(`./${relative(process.cwd(), path)}`))).name, "mine");
  });
}

test("A file may import others beside it.", async () => {
  const helper = written(`export const name: string = "with-helper";`);
  const text = `import { name } from "./${helper.split("/").at(-1)}";\nexport default { ...${minimal}, name };`;
  assert.equal((await preparePlugin(spec(written(text)))).name, "with-helper");
});

test("A file that is not there is not found.", async () => {
  const error = await refusal(`${folder}/no\x1b-such.ts`);
  assert.equal(error.code, "plugin.not-found");
  assert.match(error.message, /^there is no plugin file .*\/no\\x1b-such\.ts$/);
});

for (const [what, text, message] of [
  ["throws", `throw new Error("no \\x1b[2J luck");`, /no \\x1b\[2J luck/],
  ["throws what is no error", `throw "just text";`, /just text/],
  ["cannot be parsed", "export default {{{", /./],
  ["imports what is not there", `import "./not-there.ts";`, /not-there/],
  ["has a function that throws", `export default () => { throw new Error("no luck"); };`, /no luck/],
  ["has a function that rejects", `export default async () => { throw new Error("no luck"); };`, /no luck/],
] as const) {
  test(`A file that ${what} is refused with its name and the reason.`, async () => {
    const error = await refusal(written(text));
    assert.equal(error.code, "plugin.invalid");
    assert.match(error.message, /^cannot load the plugin .*plugin-\d+\.ts: /);
    assert.match(error.message, message);
    assert.ok(error.message.length < 700);
  });
}

test("A file with a mistake in its third line is refused with this mistake, and under Bun with its line.", async () => {
  const error = await refusal(written('export default {\n  name: "bad"\n  about: "x",\n};\n'));
  assert.doesNotMatch(error.message, /errors? building/);
  if (currentRuntime === "bun") assert.match(error.message, /: line 3: .*about/);
});

for (const text of [
  "export const nothing = 1;",
  "export default 42;",
  "export default null;",
  "export default {};",
  `export default { name: "mine" };`,
  `export default { name: 5, setup() {} };`,
  `export default { name: "mine", setup: "soon" };`,
  "export default () => undefined;",
  "export default class {};",
]) {
  test(`A file is no plugin when all that it says is: ${text}`, async () => {
    const error = await refusal(written(text));
    assert.equal(error.code, "plugin.invalid");
    assert.match(
      error.message,
      /plugin-\d+\.ts(: | is no plugin: its default export needs a name and a setup function$)/,
    );
  });
}

for (const record of [
  "{ a: null }",
  "{ a: {} }",
  `{ a: { type: "colour", about: "x", default: "red" } }`,
  `{ a: { type: "number", about: "x", default: "many" } }`,
]) {
  test(`A file whose record of options is ${record} is refused, and not taken for a defect of porthop.`, async () => {
    const path = written(`export default { ...${minimal}, options: ${record} };`);
    const error = await refusal(path, record === "{ a: {} }" ? { a: "1" } : {});
    assert.equal(error.code, "plugin.invalid");
    assert.match(error.message, /^plugin mine/);
  });
}
