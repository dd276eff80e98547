import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { OutageRefusals } from "../../../src/forward/outage-refusals.ts";
import type { TunnelEvent } from "../../../src/plugin.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { tellingTo } from "../../kit/telling.ts";
import { Waiting } from "../../kit/waiting.ts";

const never = 2 ** 30;

function begin(shareMs = never) {
  const log = new LogLines();
  const waiting = new Waiting();
  const warn = (text: string) => {
    log.warn(text);
    waiting.change();
  };
  const telling = tellingTo({ ...log, warn });
  const events: TunnelEvent[] = [];
  telling.bus.onPublic((event) => events.push(event));
  const refusals = new OutageRefusals(telling, shareMs);
  const tell = (flow: string, why = "no session came back within 30s") =>
    refusals.tell(new PorthopError("ssh.unreachable", why, { leg: 2 }), flow);
  return { log, waiting, events, refusals, tell };
}

test("A thousand connections that are refused at once are one error and one line with their number.", () => {
  const { log, events, refusals, tell } = begin();
  for (let index = 1; index <= 1000; index++) tell(`L1#${index}`);
  assert.deepEqual(log.lines, []);
  refusals.flush();
  refusals.flush();
  assert.deepEqual(log.lines, ["warn 999 more connections were refused: no session came back within 30s"]);
  assert.deepEqual(
    events.map((event) => [event.event, event.event === "error" && event.flow]),
    [["error", "L1#1"]],
  );
});

test("One that is alone is told as an error, and no line follows it.", () => {
  const { log, events, refusals, tell } = begin();
  tell("L1#1");
  refusals.flush();
  assert.deepEqual([log.lines, events.length], [[], 1]);
});

test("The line comes by itself after a while, with the last reason, and later ones are told anew.", async () => {
  const { log, waiting, events, tell } = begin(1);
  tell("L1#1");
  tell("L1#2", "1000 connections wait for the session already");
  await waiting.until("the line", () => log.lines[0]);
  assert.deepEqual(log.lines, ["warn 1 more connection was refused: 1000 connections wait for the session already"]);
  const again = await waiting.until("an error", () => {
    tell("L1#3");
    setTimeout(() => waiting.change(), 1);
    return events.length > 1 ? events[1] : undefined;
  });
  assert.ok(again.event === "error" && again.flow === "L1#3");
});
