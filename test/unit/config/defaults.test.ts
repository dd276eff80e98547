import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration } from "../../../src/codec/units.ts";
import { defaults } from "../../../src/config/defaults.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { longestTimerMs } from "../../../src/config/file/keyword-record.ts";
import { porthopFlags } from "../../../src/config/run-flags.ts";
import { explainTunnel } from "../../../src/tunnel/explanation.ts";
import { linesWith, sourceFiles } from "../../kit/source-file.ts";

test("Each default is used somewhere, and so decides something.", () => {
  const others = sourceFiles("src").filter(({ path }) => path !== "src/config/defaults.ts");
  const unused = Object.keys(defaults).filter((name) =>
    others.every(({ text }) => linesWith(text, new RegExp(`\\bdefaults\\.${name}\\b`)).length === 0),
  );
  assert.deepEqual(unused, []);
});

test("A time says its unit, and no time is longer than a timer can wait.", () => {
  for (const [name, value] of Object.entries(defaults)) {
    if (!/timeout|interval|grace/i.test(name)) continue;
    assert.match(name, /Ms$/);
    assert.ok(value === undefined || (typeof value === "number" && value > 0 && value <= longestTimerMs), name);
  }
});

test("What people read of a default is that default.", () => {
  const about = (flag: string) => porthopFlags.find(({ name }) => name === flag)?.about ?? "";
  assert.ok(about("log").includes(`${defaults.logLevel} (default)`));
  // The last question is asked after the first interval, and has one more for its answer.
  const noticedMs = defaults.serverAliveIntervalMs * (defaults.serverAliveCountMax + 1);
  assert.equal(noticedMs, 60_000);
  const place = { here: "brahma", loopback: "lo", program: "porthop" };
  const explained = (...words: string[]) =>
    JSON.stringify(explainTunnel(describeTunnel([...words, "-L", "8080:localhost:80", "vishnu"]), place));
  const told = explained();
  assert.match(told, /in silence, it is noticed after about a minute/);
  const every = formatDuration(defaults.serverAliveIntervalMs);
  assert.ok(explained("-o", "ServerAliveCountMax=5").includes(`5 unanswered questions, one every ${every}.`));
  const questions = `${defaults.serverAliveCountMax} unanswered questions`;
  assert.ok(explained("-o", "ServerAliveInterval=10").includes(questions));
  assert.deepEqual([defaults.reconnect, defaults.sessions], ["auto", 1]);
  assert.ok(told.includes(`porthop connects again; new ones wait for it, up to ${formatDuration(defaults.holdMs)}.`));
  assert.doesNotMatch(told, /There are .* sessions/);
});
