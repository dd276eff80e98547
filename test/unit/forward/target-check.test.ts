import assert from "node:assert/strict";
import { test } from "node:test";
import { type ForwardFlag, parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { nameForwards } from "../../../src/config/forward.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { Conn } from "../../../src/flow/conn.ts";
import { TargetCheck } from "../../../src/forward/target-check.ts";
import { Uplink } from "../../../src/forward/uplink/uplink.ts";
import { MadeUpSession, uplinkWith } from "../../kit/made-up-session.ts";
import { connPair } from "../../kit/memory-conn.ts";
import { refusal } from "../../kit/refusal.ts";
import { freePort } from "../../kit/servers.ts";
import { tellingTo } from "../../kit/telling.ts";
import { Waiting } from "../../kit/waiting.ts";

const timeout = 10_000;
const never = new AbortController().signal;
const refused = new PorthopError("target.refused", "db:5432 refused", { leg: 3, hint: "start it" });

/** A target that takes the connection and ends it when porthop does. */
async function reached(): Promise<Conn> {
  const [near, far] = connPair();
  void far.read().then(() => far.end());
  return near;
}

/** A check, and the errors that it tells. */
function checkOf(uplink: Uplink<MadeUpSession>, texts: readonly string[], limitMs = 60_000) {
  const specs = texts.map((text) => parseForwardSpec(text.slice(0, 1) as ForwardFlag, text.slice(1)));
  const told: string[] = [];
  const waiting = new Waiting();
  const telling = tellingTo();
  telling.bus.on("error", ({ error }) => {
    told.push(`${error.code} ${error.message}`);
    waiting.change();
  });
  const options = { family: undefined, unix: { mask: 0o177 }, telling, limitMs };
  const check = new TargetCheck(nameForwards(specs, false), uplink, options);
  return { check, told, tells: (count: number) => waiting.until(`${count} errors`, () => told[count - 1]) };
}

test("It resolves once each target was reached, and those that only clients name are left alone.", {
  timeout,
}, async () => {
  const session = new MadeUpSession(1, { open: reached });
  const { check, told } = checkOf(uplinkWith(session), ["L1:db:5432", "L2:/run/db.sock", "D1080", "R8081", "Wmail:25"]);
  await check.first(never);
  assert.deepEqual(
    session.asked.filter((asked) => asked.startsWith("dial ")),
    ["dial db:5432", "dial /run/db.sock"],
  );
  assert.deepEqual(told, []);
  check.close();
});

test("What listens on the server is dialed from here.", { timeout }, async () => {
  const session = new MadeUpSession();
  const { check } = checkOf(uplinkWith(session), [`R8080:127.0.0.1:${await freePort()}`]);
  const error = await refusal(check.first(never));
  assert.deepEqual([error.code, error.leg], ["target.refused", 3]);
  assert.match(error.message, /^R1: 127\.0\.0\.1:\d+ refused the connection from here$/);
  assert.deepEqual(session.asked, []);
});

test("The first forward that is not reached is the end, and the others are told.", { timeout }, async () => {
  const answers = [reached(), Promise.reject(refused), Promise.reject(refused)];
  const session = new MadeUpSession(1, { open: () => answers.shift() ?? reached() });
  const { check, told } = checkOf(uplinkWith(session), ["L1:a:1", "L2:b:2", "L3:c:3"]);
  const { code, message, hint, leg, exitCode } = await refusal(check.first(never));
  assert.deepEqual([code, hint, leg, exitCode], ["target.refused", "start it", 3, 255]);
  assert.equal(message, "L2: db:5432 refused");
  assert.deepEqual(told, ["target.refused L3: db:5432 refused"]);
});

test("Eight are dialed at a time, and each has its own time limit.", { timeout }, async () => {
  let open = 0;
  let most = 0;
  const hang = () => {
    open += 1;
    most = Math.max(most, open);
    return new Promise<Conn>(() => {});
  };
  const texts = Array.from({ length: 20 }, (_each, index) => `L${index + 1}:a:1`);
  const { check, told } = checkOf(uplinkWith(new MadeUpSession(1, { open: hang })), texts, 20);
  const all = refusal(check.first(never));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(most, 8);
  assert.equal((await all).message, "L1: the target a:1 did not answer in 0.02 s");
  assert.deepEqual([open, told.length], [20, 19]);
});

test("A session that is lost meanwhile tells nothing of a target: the next session is asked.", {
  timeout,
}, async () => {
  const uplink = new Uplink<MadeUpSession>();
  const dying: MadeUpSession = new MadeUpSession(1, { open: () => Promise.reject(dying.lose()) });
  uplink.stands(dying);
  const { check, told } = checkOf(uplink, ["L1:a:1"]);
  const first = check.first(never);
  const second = new MadeUpSession(2, { open: reached });
  await dying.lost;
  uplink.stands(second);
  await first;
  assert.deepEqual([second.targets.length, told], [0, []]);
  assert.ok(second.asked.includes("dial a:1"));
  check.close();
});

test("Each later session is tried by itself: who is not reached then is an event, and no end.", {
  timeout,
}, async () => {
  const uplink = new Uplink<MadeUpSession>();
  const first = new MadeUpSession(1, { open: reached });
  uplink.stands(first);
  const { check, tells, told } = checkOf(uplink, ["L1:a:1", "L2:b:2"]);
  await check.first(never);
  first.lose();
  await first.lost;
  uplink.stands(new MadeUpSession(2, { open: () => Promise.reject(refused) }));
  await tells(2);
  assert.deepEqual(told, ["target.refused L1: db:5432 refused", "target.refused L2: db:5432 refused"]);
  check.close();
});

test("A stop ends it, also in the middle of a dial.", { timeout }, async () => {
  const stop = new AbortController();
  const hang = () => new Promise<Conn>(() => {});
  const { check } = checkOf(uplinkWith(new MadeUpSession(1, { open: hang })), ["L1:a:1"]);
  const first = check.first(stop.signal);
  stop.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  assert.equal((await refusal(first)).message, "stopped by SIGINT");
  const uplink = new Uplink<MadeUpSession>();
  const standing = new MadeUpSession(1, { open: reached });
  uplink.stands(standing);
  const later = checkOf(uplink, ["L1:a:1"]);
  await later.check.first(never);
  standing.lose();
  await standing.lost;
  const asked = Promise.withResolvers<void>();
  uplink.stands(
    new MadeUpSession(2, {
      open: () => {
        asked.resolve();
        return hang();
      },
    }),
  );
  await asked.promise;
  later.check.close();
  assert.deepEqual(later.told, []);
});
