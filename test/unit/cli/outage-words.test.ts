import assert from "node:assert/strict";
import { test } from "node:test";
import { OutageWords } from "../../../src/cli/outage-words.ts";

const minute = 60_000;
const silent = "lost the session with vishnu:22: it stopped answering";
const refused = "cannot reach sshd at vishnu:22: the connection was refused";

/** A day of a log, with a clock that the test turns. */
class Day {
  ms = 0;
  readonly words = new OutageWords(() => this.ms);
  /** What people read; lines for debugging are left out. */
  readonly read: string[] = [];
  readonly debugged: string[] = [];

  stands(attempt = 1, host = "vishnu", id = "S1"): void {
    const session = { event: "session", id, state: "ready", host, port: 22, user: "anna", attempt } as const;
    this.#say(this.words.stands(session));
  }

  /** The session that stood, if any, is gone. */
  tries(attempt: number, inMs: number, reason = refused, gone = "S1"): void {
    this.words.gone({ id: gone });
    this.#say(this.words.reconnect({ event: "reconnect", reason, attempt, inMs }));
    this.ms += inMs;
  }

  waits(forward: string, reason: string): void {
    this.#say(this.words.waiting({ event: "forward.waiting", forward, reason }));
  }

  #say(line: ReturnType<OutageWords["stands"]>): void {
    if (line === undefined) return;
    if (line.level === "debug") this.debugged.push(line.text);
    else this.read.push(`${line.level} ${line.text}`);
  }
}

/** The waits of an outage: doubled from 0.2 s to 30 s. */
function waitAt(attempt: number): number {
  return Math.min(200 * 2 ** (attempt - 1), 30_000);
}

test("A loss says why, when the next try is, and how long it was until the session came back.", () => {
  const day = new Day();
  day.stands();
  day.ms = 5 * minute;
  day.tries(1, 200, silent);
  day.stands();
  assert.deepEqual(day.read, [`warn ${silent}; trying again in 0.2 s`, "info connected again after 0.2 s"]);
});

test("A try that begins at once says so.", () => {
  const day = new Day();
  day.tries(1, 0);
  assert.deepEqual(day.read, [`warn ${refused}; trying again at once`]);
});

test("An outage of twelve hours has a line for each of its first tries, for a longer wait and for each ten minutes.", () => {
  const day = new Day();
  day.stands();
  day.ms = minute;
  day.tries(1, waitAt(1), silent);
  let attempt = 2;
  while (day.ms < 12 * 60 * minute) day.tries(attempt, waitAt(attempt++));
  day.stands(attempt);
  assert.deepEqual(day.read.slice(0, 6), [
    `warn ${silent}; trying again in 0.2 s`,
    `warn ${refused}; trying again in 0.4 s`,
    `warn ${refused}; trying again in 0.8 s`,
    `warn ${refused}; trying again in 1.6 s (attempt 4; no session for 1.4 s)`,
    `warn ${refused}; trying again in 13 s (attempt 7; no session for 13 s)`,
    `warn ${refused}; trying again in 30 s (attempt 28; no session for 10m21s)`,
  ]);
  assert.match(day.read.at(-1) ?? "", /^info connected again after 11h59m \(attempt \d{4}\)$/);
  assert.ok(day.read.length < 5 + 12 * 6 + 2, `${day.read.length} lines`);
  assert.ok(day.debugged.length > 1000, "all the others are told for debugging");
});

test("Another reason is told at once, and one that comes and goes is told once in ten minutes.", () => {
  const day = new Day();
  for (let attempt = 1; attempt <= 10; attempt++) day.tries(attempt, 30_000);
  const before = day.read.length;
  day.tries(11, 30_000, "nobody knows the host vishnu");
  assert.equal(day.read.length, before + 1);
  for (let attempt = 12; attempt <= 20; attempt++) {
    day.tries(attempt, 30_000, attempt % 2 === 0 ? refused : "nobody knows the host vishnu");
  }
  assert.equal(day.read.length, before + 1);
});

test("A reason that differs in a number only is no other reason, and a server with a new one each time is not heard for ever.", () => {
  const day = new Day();
  for (let attempt = 1; attempt <= 10; attempt++) day.tries(attempt, 1000, `no answer within ${attempt} s`);
  assert.equal(day.read.length, 3);
  const moody = new Day();
  for (let attempt = 1; attempt <= 300; attempt++) {
    moody.tries(attempt, 1000, `vishnu:22 ended the session: ${"x".repeat(attempt)}`);
  }
  assert.ok(moody.read.length <= 6, `${moody.read.length} lines`);
});

test("A server that takes each session and drops it at once does not fill the log either.", () => {
  const day = new Day();
  day.stands();
  day.ms = 2 * minute;
  for (let loss = 0; loss < 1800; loss++) {
    day.tries(1, 1000, silent);
    day.stands();
    day.ms += 1000;
  }
  // An hour: three losses with their ends, and one for each further ten minutes.
  assert.equal(day.read.length, 2 * 3 + 2 * 5, day.read.join("\n"));
  assert.equal(day.debugged.length, 2 * 1800 - day.read.length);
});

test("A session that stood for a while had its own life: the next outage is told from its beginning.", () => {
  const day = new Day();
  day.stands();
  for (let outage = 0; outage < 3; outage++) {
    day.ms += 5 * minute;
    for (let attempt = 1; attempt <= 6; attempt++) day.tries(attempt, waitAt(attempt));
    day.stands(7);
  }
  const [one, two] = [day.read.slice(0, 5), day.read.slice(5, 10)];
  assert.deepEqual(one, two);
  assert.equal(day.read.length, 15);
});

test("The time without a session begins with the loss and not with the first try.", () => {
  const day = new Day();
  day.stands();
  day.ms = 10 * minute;
  day.words.gone({ id: "S1" });
  day.ms += 4000;
  day.tries(1, 1000);
  day.stands(2);
  assert.equal(day.read.at(-1), "info connected again after 5 s (attempt 2)");
});

test("The first connect is no return, and one that took several tries says how long it took.", () => {
  const day = new Day();
  day.stands();
  day.stands(1, "vishnu", "S2");
  assert.deepEqual([day.read, day.debugged], [[], []]);
  const other = new Day();
  other.tries(1, 4000);
  other.stands(2);
  assert.equal(other.read.at(-1), "info connected after 4 s (attempt 2)");
});

test("A session with another server says with which.", () => {
  const day = new Day();
  day.stands();
  day.tries(1, 200, silent);
  day.stands(2, "backup");
  assert.equal(day.read.at(-1), "info connected again to anna@backup:22 after 0.2 s (attempt 2)");
});

test("When one of several sessions is lost it is said that the others go on, and when it is made good.", () => {
  const day = new Day();
  for (const id of ["S1", "S2", "S3"]) day.stands(1, "vishnu", id);
  day.ms = 5 * minute;
  day.tries(1, 200, silent, "S2");
  day.tries(2, 400, refused, "S3");
  day.stands(3, "vishnu", "S4");
  day.stands(1, "vishnu", "S5");
  assert.deepEqual(day.read, [
    `warn ${silent}; 2 other sessions go on; trying again in 0.2 s`,
    `warn ${refused}; 1 other session goes on; trying again in 0.4 s`,
    "info 2 sessions stand after 0.4 s (attempt 3)",
    "info 3 sessions stand after 0.4 s",
  ]);
});

test("When all of several are lost the first one that is back ends the outage, and the rest is told after it.", () => {
  const day = new Day();
  for (const id of ["S1", "S2"]) day.stands(1, "vishnu", id);
  day.ms = 5 * minute;
  day.tries(1, 0, silent, "S1");
  day.tries(2, 200, silent, "S2");
  day.stands(3, "backup", "S3");
  day.ms += 100;
  day.stands(1, "vishnu", "S4");
  assert.deepEqual(day.read, [
    `warn ${silent}; 1 other session goes on; trying again at once`,
    `warn ${silent}; trying again in 0.2 s`,
    "info connected again to anna@backup:22 after 0.2 s (attempt 3)",
    "info 2 sessions stand, the new one with anna@vishnu:22, after 0.3 s",
  ]);
});

test("An extra session that is refused again and again, or dropped each time, does not fill the log.", () => {
  const dropped = "the server dropped the connection";
  const never = new Day();
  never.stands();
  for (let attempt = 1; attempt <= 240; attempt++) never.tries(attempt, 15_000, dropped, "none");
  const each = new Day();
  each.stands();
  for (let loss = 1; loss <= 240; loss++) {
    each.stands(1, "vishnu", `S${loss + 1}`);
    each.ms += 5000;
    each.tries(1, 10_000, dropped, `S${loss + 1}`);
  }
  // An hour: the first tries, and one for each further ten minutes; those of which the end can be told have it told.
  assert.ok(never.read.length <= 3 + 6, never.read.join("\n"));
  assert.ok(each.read.length <= 2 * (3 + 6), each.read.join("\n"));
  for (const line of [...never.read, ...each.read])
    assert.match(line, /1 other session goes on|^info 2 sessions stand/);
  // The outage of all of them is told from its beginning.
  const before = never.read.length;
  never.tries(1, 200, silent, "S1");
  assert.deepEqual(never.read.slice(before), [`warn ${silent}; trying again in 0.2 s`]);
});

test("A forward that waits is told once in an outage, and again for another reason.", () => {
  const day = new Day();
  const held = "port 41200 of the server is still taken";
  day.stands();
  day.ms = 5 * minute;
  day.tries(1, 200, silent);
  day.stands();
  for (const forward of ["R1", "R1", "R2", "R1"]) day.waits(forward, held);
  day.waits("R1", "the server does not allow it");
  assert.deepEqual(day.read.slice(2), [
    `warn R1: ${held}`,
    `warn R2: ${held}`,
    "warn R1: the server does not allow it",
  ]);
  assert.deepEqual(day.debugged, [`R1: ${held}`, `R1: ${held}`]);
  day.ms += 5 * minute;
  day.words.gone({ id: "S1" });
  day.waits("R1", held);
  assert.equal(day.read.at(-1), `warn R1: ${held}`);
});

test("No reason acts on a terminal, nor makes a second line.", () => {
  const day = new Day();
  day.tries(1, 200, "the server said: \u001b[2J\nready");
  day.waits("R1", "a\nb");
  assert.deepEqual(day.read, ["warn the server said: \\x1b[2J\\nready; trying again in 0.2 s", "warn R1: a\\nb"]);
});
