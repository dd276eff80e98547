import assert from "node:assert/strict";
import { test } from "node:test";
import { definePlugin, type Flow, type Plugin } from "../../src/plugin.ts";
import { setUp, textOf } from "../../src/plugin-kit.ts";

/** A plugin that does this to each flow. */
function hanging(hang: (flow: Flow) => void): Plugin {
  return {
    name: "mine",
    about: "hangs something in",
    setup: () => (flow, next) => {
      hang(flow);
      return next();
    },
  };
}

test("Arrays go in and come out, through the stages, each way.", async () => {
  const tunnel = await setUp(
    hanging((flow) => {
      flow.down.pipe(async function* (chunks) {
        for await (const chunk of chunks) yield Buffer.from(textOf([chunk]).toUpperCase());
      });
    }),
  );
  const flow = await tunnel.play({ up: ["ques", "tion"], down: ["hello, ", Buffer.from("world")] });
  assert.deepEqual([flow.up.map((chunk) => textOf([chunk])), textOf(flow.down)], [["ques", "tion"], "HELLO, WORLD"]);
  assert.deepEqual(flow.dialed, { host: "db.internal", port: 5432 });
  const { reason, up, down, error } = flow.close;
  assert.deepEqual([reason, up, down, error], ["ended", 8, 12, undefined]);
});

test("What is logged, told and labelled can be looked at, with the flows numbered as by porthop.", async () => {
  const tunnel = await setUp({
    name: "mine",
    about: "tells",
    setup: (host) => {
      host.on("flow.close", ({ flow }) => host.log.debug(`${flow} is closed`));
      return (flow, next) => {
        flow.labels.set("host", "host" in flow.target ? flow.target.host : "");
        host.log.info(`hello, ${flow.id}`);
        return next();
      };
    },
  } satisfies Plugin);
  const [first, second] = await Promise.all([
    tunnel.play({ target: { host: "a", port: 1 } }),
    tunnel.play({ target: { host: "b", port: 2 } }),
  ]);
  assert.deepEqual([first.close.flow, first.labels.get("host")], ["L1#1", "a"]);
  assert.deepEqual([second.close.flow, second.labels.get("host")], ["L1#2", "b"]);
  assert.deepEqual(tunnel.lines.slice(0, 2), ["info mine: hello, L1#1", "info mine: hello, L1#2"]);
  assert.deepEqual(tunnel.lines.slice(2).toSorted(), ["debug mine: L1#1 is closed", "debug mine: L1#2 is closed"]);
  const names = tunnel.events.map(({ event }) => event);
  assert.deepEqual(names.toSorted(), ["flow.close", "flow.close", "flow.open", "flow.open"]);
});

test("A refusal, a decision, a failure, a target that refuses and ends that break: each is what porthop tells of it.", async () => {
  const ends = async (plugin: Plugin, flow = {}) => {
    const tunnel = await setUp(plugin);
    const { close, dialed } = await tunnel.play({ up: ["x"], down: ["y"], ...flow });
    return [close.reason, close.by, close.error?.code, dialed !== undefined];
  };
  const nothing = hanging(() => {});
  const failing = hanging((flow) =>
    flow.up.pipe(() => {
      throw new Error("no luck");
    }),
  );
  assert.deepEqual(await ends(hanging((flow) => flow.refuse("no"))), [
    "refused",
    undefined,
    "target.prohibited",
    false,
  ]);
  assert.deepEqual(await ends(hanging((flow) => void flow.up.tap(() => flow.abort("no")))), [
    ...["aborted", "plugin:mine", "cancelled"],
    true,
  ]);
  assert.deepEqual(await ends(failing), ["aborted", "plugin:mine", "plugin.failed", true]);
  assert.deepEqual(await ends(nothing, { refuses: true }), ["refused", undefined, "target.refused", true]);
  assert.deepEqual(await ends(nothing, { breaks: "origin" }), ["aborted", "origin", "target.unreachable", true]);
  assert.deepEqual(await ends(nothing, { breaks: "target" }), ["aborted", "target", "target.unreachable", true]);
});

test("Options are read as a user's, may be wrong, and change while it runs.", async () => {
  const plugin = definePlugin({
    name: "greet",
    about: "greets",
    options: { word: { type: "text", about: "what to say", default: "hello", live: true } },
    setup(host, options) {
      let { word } = options;
      host.onOptions((changed) => {
        word = changed.word;
      });
      return (_flow, next) => {
        host.log.info(word);
        return next();
      };
    },
  });
  const tunnel = await setUp(plugin, { word: "welcome" });
  await tunnel.play();
  tunnel.changeOptions({ word: "goodbye" });
  await tunnel.play();
  assert.deepEqual(tunnel.lines, ["info greet: welcome", "info greet: goodbye"]);
  assert.throws(() => tunnel.changeOptions({ words: "x" }), { code: "plugin.invalid" });
  await assert.rejects(setUp(plugin, { words: "x" }), { message: /option "words" is unknown/ });
});

test("A file's function is handed the toolkit, and what is no plugin is told as to a user.", async () => {
  const tunnel = await setUp(async ({ visible }: { visible: (text: string) => string }) => ({
    ...hanging(() => {}),
    setup: (host: { log: { info(text: string): void } }) => {
      host.log.info(visible("a\nb"));
      return () => {};
    },
  }));
  assert.deepEqual(tunnel.lines, ["info mine: a\\nb"]);
  await assert.rejects(setUp({}), { code: "plugin.invalid", message: /^the plugin under test is no plugin/ });
});

test("Events, keys and sessions happen as the test says, and at the end the plugin is disposed.", async () => {
  const tunnel = await setUp(
    {
      name: "look",
      about: "looks",
      setup: (host) => {
        host.log.info(host.sessions.join(" "));
        host.on("ready", ({ forwards }) => host.log.info(`ready ${forwards}`));
        host.keys((line, session) => host.log.info(`${session} ${line}`));
        host.onSession((wire) => {
          const tell = (what: string) => host.log.info(`${wire.id} ${wire.host} ${what}`);
          wire.watch({
            opened: () => tell("opened"),
            bytes: (direction, chunk) => tell(`${direction} ${chunk.byteLength}`),
            aborted: (by, reason) => tell(`${by} ${reason.message}`),
          });
        });
        host.onDispose(() => host.log.info("goodbye"));
        return (_flow, next) => next();
      },
    } satisfies Plugin,
    {},
    { sessions: ["gate", "vishnu"] },
  );
  tunnel.tell({ event: "ready", forwards: ["L1"] });
  tunnel.tellKeys("0a 0b");
  const session = tunnel.startSession({ host: "gate" });
  session.bytes("up", new Uint8Array(3));
  session.aborted("down", new Error("cut"));
  await tunnel.dispose();
  tunnel.tell({ event: "ready", forwards: ["L1"] });
  assert.deepEqual(
    tunnel.lines.map((line) => line.replace("info look: ", "")),
    ["gate vishnu", "ready L1", "S1 0a 0b", "S1 gate opened", "S1 gate up 3", "S1 gate down cut", "goodbye"],
  );
});
