import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceNotices } from "../../../src/cli/service-notices.ts";

/** A manager and a clock in the hands of the test. */
class Play {
  ms = 0;
  readonly sent: string[] = [];
  readonly notices: ServiceNotices;
  readonly #answers: ((goesOn: boolean) => void)[] = [];
  readonly #waits: { readonly untilMs: number; readonly over: () => void }[] = [];

  /** Without `isSlow` each notice is told at once. */
  constructor(isSlow = false) {
    const send = (assignments: readonly string[]) => {
      this.sent.push(assignments.join("|"));
      return isSlow ? new Promise<boolean>((resolve) => this.#answers.push(resolve)) : Promise.resolve(true);
    };
    const after = (ms: number) => new Promise<void>((over) => void this.#waits.push({ untilMs: this.ms + ms, over }));
    this.notices = new ServiceNotices(send, { now: () => this.ms, after });
  }

  async tell(...notice: readonly string[]): Promise<void> {
    await Promise.race([this.notices.tell(...notice), turn()]);
  }

  async answer(goesOn = true): Promise<void> {
    this.#answers.shift()?.(goesOn);
    await turn();
  }

  async pass(ms: number): Promise<void> {
    this.ms += ms;
    for (const { untilMs, over } of this.#waits) if (untilMs <= this.ms) over();
    await turn();
  }

  get waits(): number {
    return this.#waits.length;
  }
}

/** After this everything has happened that waits for nothing. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("What is told in one turn is one notice.", async () => {
  const play = new Play();
  void play.notices.tell("STATUS=2 forwards ready");
  await play.tell("READY=1", "MAINPID=812");
  assert.deepEqual(play.sent, ["READY=1|MAINPID=812|STATUS=2 forwards ready"]);
});

test("Only the newest status is told, and no more than one in a second.", async () => {
  const play = new Play();
  for (let count = 0; count < 100; count++) {
    await play.tell(`STATUS=${count}`);
    await play.pass(100);
  }
  assert.deepEqual(play.sent.slice(0, 3), ["STATUS=0", "STATUS=9", "STATUS=19"]);
  assert.deepEqual([play.sent.length, play.sent.at(-1)], [11, "STATUS=99"]);
  assert.ok(play.waits <= 11, "one wait for each second");
});

test("All else goes at once, and takes no status with it before its time.", async () => {
  const play = new Play();
  await play.tell("STATUS=connecting");
  await play.pass(300);
  await play.tell("READY=1", "STATUS=ready");
  assert.deepEqual(play.sent, ["STATUS=connecting", "READY=1"]);
  await play.pass(700);
  assert.deepEqual(play.sent.slice(2), ["STATUS=ready"]);
});

test("A status that was told already is not told again.", async () => {
  const play = new Play();
  await play.tell("STATUS=ready");
  await play.pass(5000);
  await play.tell("STATUS=ready");
  assert.deepEqual(play.sent, ["STATUS=ready"]);
  await play.tell("STATUS=lost");
  await play.tell("STATUS=connecting");
  await play.tell("STATUS=lost");
  await play.pass(5000);
  assert.deepEqual(play.sent, ["STATUS=ready", "STATUS=lost"]);
});

test("One notice is told at a time, and what came meanwhile goes as one, with the newest values.", async () => {
  const play = new Play(true);
  await play.tell("STATUS=1");
  await play.pass(10_000);
  for (const status of ["STATUS=2", "WATCHDOG=1", "STATUS=3", "WATCHDOG=1"]) await play.tell(status);
  assert.deepEqual(play.sent, ["STATUS=1"]);
  await play.answer();
  assert.deepEqual(play.sent, ["STATUS=1", "WATCHDOG=1|STATUS=3"]);
});

test("Telling resolves when it is told, and not when something else was.", async () => {
  const play = new Play(true);
  await play.tell("STATUS=1");
  let isTold = false;
  const told = play.notices.tell("READY=1").then(() => {
    isTold = true;
  });
  await play.answer();
  assert.equal(isTold, false);
  await play.answer();
  await told;
  assert.deepEqual(play.sent, ["STATUS=1", "READY=1"]);
});

test("The last notice takes its status along whatever the time.", async () => {
  const play = new Play(true);
  await play.tell("STATUS=1");
  const told = play.notices.tellLast("STOPPING=1", "STATUS=stopped");
  await play.answer();
  await play.answer();
  await told;
  assert.deepEqual(play.sent, ["STATUS=1", "STOPPING=1|STATUS=stopped"]);
});

test("After a failure that is final nothing is told any more, and nobody waits.", async () => {
  const play = new Play(true);
  await play.tell("STATUS=1");
  await play.answer(false);
  await play.notices.tell("READY=1");
  await play.notices.tellLast("STOPPING=1");
  assert.deepEqual(play.sent, ["STATUS=1"]);
  assert.equal(play.waits, 0);
});
