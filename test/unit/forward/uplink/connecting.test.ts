import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PorthopError } from "../../../../src/errors.ts";
import { Connecting, type LinkPlan } from "../../../../src/forward/uplink/connecting.ts";
import type { Failure, Loss, Verdict } from "../../../../src/forward/uplink/retry-policy.ts";
import type { AskTrust } from "../../../../src/ssh/session.ts";
import { quiet, stateOf } from "../../../kit/carried-flow.ts";
import { type FaultyRelay, faultyRelay } from "../../../kit/faulty-relay.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { refusal } from "../../../kit/refusal.ts";
import { freePort } from "../../../kit/servers.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";
import { Waiting } from "../../../kit/waiting.ts";

const timeout = 30_000;
const { signal } = new AbortController();
/** Longer than any test: only a hurry ends such a wait. */
const neverMs = 1_000_000_000;
const soon: Verdict = { next: "retry", inMs: 1, mayHurry: true };

interface Made {
  readonly plan?: Partial<LinkPlan>;
  readonly trust?: AskTrust;
  /** What follows each loss and failure, in place of the policy's own rules. The last one counts for all that come. */
  readonly verdicts?: readonly Verdict[];
}

/** The way of a tunnel to a server, and what was told and decided on it. */
class Kept implements AsyncDisposable {
  readonly connecting: Connecting;
  readonly log = new LogLines();
  readonly story: string[] = [];
  readonly decided: (Loss | Failure)[] = [];
  readonly #waiting = new Waiting();

  constructor({ host, port }: { readonly host: string; readonly port: number }, made: Made = {}) {
    const { plan, trust = async () => easyTrust(), verdicts } = made;
    const settings = {
      ...{ host, port, user: "anna", connectTimeoutMs: 10_000, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
      ...{ handshakeTimeoutMs: 10_000, attempts: 1, algorithms: {} },
    };
    const telling = tellingTo(this.log);
    const tell = (text: string) => {
      this.story.push(text);
      this.#waiting.change();
    };
    telling.bus.on("session", ({ state, id, attempt }) => tell(`${state} ${id} at ${attempt}`));
    telling.bus.on("reconnect", ({ attempt, inMs }) => tell(`reconnect ${attempt} in ${inMs}`));
    const left = [...(verdicts ?? [])];
    const decide = (what: Loss | Failure): Verdict => {
      this.decided.push(what);
      const verdict = (left.length > 1 ? left.shift() : left[0]) ?? soon;
      return verdict;
    };
    const policy = { stood: () => {}, lost: decide, failed: decide };
    const goals = [{ hops: [{ settings, trust }] }];
    const link = { goals, reconnect: "never" as const, ...plan };
    this.connecting = new Connecting(link, telling, ...(verdicts === undefined ? [] : [() => policy]));
  }

  told(text: string): Promise<true> {
    return this.#waiting.until(text, () => (this.story.includes(text) ? true : undefined));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connecting.close();
  }
}

/** Breaks what passes, and waits until it is heard of. */
async function cut(line: FaultyRelay, kept: Kept, id: string): Promise<void> {
  line.cut();
  await kept.told(`lost ${id} at 1`);
  await until(() => kept.connecting.uplink.standing?.id !== id);
}

/** The test's own time limit bounds this. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextTurn();
}

test("Whoever waits gets the session once it is ready, and not before.", { timeout }, async () => {
  await using server = await startSshServer();
  const { connecting } = new Kept(server);
  const waiting = connecting.uplink.session(signal);
  await connecting.connect(signal, async (session) => {
    assert.deepEqual([await stateOf(waiting), connecting.uplink.standing], ["pending", undefined]);
    assert.equal(session.peer.port, server.port);
  });
  assert.equal(await waiting, connecting.uplink.standing);
  await connecting.close();
});

test("A session that must not be made again ends the uplink with its reason.", { timeout }, async () => {
  await using server = await startSshServer();
  const { connecting } = new Kept(server);
  const { lost } = await connecting.connect(signal);
  server.drop();
  const reason = await lost;
  assert.equal(reason.code, "ssh.lost");
  assert.equal(await refusal(connecting.uplink.session(signal)), reason);
  await connecting.close();
});

test("A close is no loss, and who asks for a session after it is told so.", { timeout }, async () => {
  await using server = await startSshServer();
  const { connecting } = new Kept(server);
  const { lost } = await connecting.connect(signal);
  await connecting.close();
  assert.equal(await stateOf(lost), "pending");
  assert.equal((await refusal(connecting.uplink.session(signal))).code, "cancelled");
});

test("Without a way there, or with a session that cannot be made ready, none stands, and the reason is told.", {
  timeout,
}, async () => {
  const { connecting: nowhere } = new Kept({ host: "127.0.0.1", port: await freePort() });
  assert.equal((await refusal(nowhere.connect(signal))).code, "ssh.unreachable");
  await using server = await startSshServer();
  const { connecting } = new Kept(server);
  const unready = new PorthopError("ssh.protocol", "it has no shell");
  assert.equal(await refusal(connecting.connect(signal, () => Promise.reject(unready))), unready);
  for (const each of [nowhere, connecting]) {
    assert.notEqual((await refusal(each.uplink.session(signal))).code, "cancelled");
    await each.close();
  }
});

test("Who gives up while it connects is told their own reason, and nothing is left.", { timeout }, async () => {
  await using server = await startSshServer();
  const stop = new AbortController();
  const reason = new PorthopError("cancelled", "stopped by SIGINT");
  const { connecting } = new Kept(server, {
    trust: async () => {
      stop.abort(reason);
      return easyTrust();
    },
  });
  assert.equal(await refusal(connecting.connect(stop.signal)), reason);
  await connecting.close();
  await server.idle();
});

test("A session that was lost is made again, and each is prepared before anybody gets it.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, { plan: { reconnect: "auto" }, verdicts: [soon] });
  const prepared: string[] = [];
  await kept.connecting.connect(signal, async ({ id }) => {
    prepared.push(id);
  });
  for (const id of ["S1", "S2", "S3"]) {
    await cut(line, kept, id);
    const session = await kept.connecting.uplink.session(signal);
    assert.equal(session.id, prepared.at(-1));
  }
  assert.deepEqual(prepared, ["S1", "S2", "S3", "S4"]);
  assert.deepEqual(kept.story.slice(2, 6), ["lost S1 at 1", "reconnect 1 in 1", "connecting S2 at 1", "ready S2 at 1"]);
});

test("Attempts are counted until one succeeds, and a server that is away is asked again.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, { plan: { reconnect: "auto" }, verdicts: [soon] });
  await kept.connecting.connect(signal);
  await line.refuse();
  line.cut();
  await kept.told("reconnect 3 in 1");
  await line.listen();
  await kept.connecting.uplink.session(signal);
  const attempts = kept.story.flatMap((text) => /^reconnect (\d+)/.exec(text)?.[1] ?? []);
  assert.deepEqual(
    attempts,
    attempts.map((_text, index) => String(index + 1)),
  );
  assert.equal(kept.story.at(-1), kept.story.at(-2)?.replace("connecting", "ready"));
});

test("A new connection cuts a wait short, and so does doubt about the network.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, {
    plan: { reconnect: "auto" },
    verdicts: [{ next: "retry", inMs: neverMs, mayHurry: true }],
  });
  await kept.connecting.connect(signal);
  await cut(line, kept, "S1");
  await kept.connecting.uplink.session(signal);
  await cut(line, kept, "S2");
  kept.connecting.doubt();
  await kept.told("ready S3 at 1");
});

test("A wait that a server has earned is not cut short by anybody.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, {
    plan: { reconnect: "auto" },
    verdicts: [{ next: "retry", inMs: neverMs, mayHurry: false }],
  });
  await kept.connecting.connect(signal);
  await cut(line, kept, "S1");
  const waiting = kept.connecting.uplink.session(signal);
  kept.connecting.doubt();
  await quiet();
  assert.deepEqual([await stateOf(waiting), line.accepted], ["pending", 1]);
  kept.connecting.wind();
  assert.equal((await refusal(waiting)).code, "cancelled", "a stop lets everybody go who waits");
});

test("Somebody who wants a session now gets it, also out of such a wait.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, {
    plan: { reconnect: "auto" },
    verdicts: [{ next: "retry", inMs: neverMs, mayHurry: false }],
  });
  await kept.connecting.connect(signal);
  await cut(line, kept, "S1");
  kept.connecting.now();
  await kept.told("ready S2 at 1");
});

test("What is decided after a loss or a failure goes by what happened there before.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  let isRefusing = false;
  const refusing = { authHandler: (_m: unknown, _p: unknown, next: (method: never) => void) => next(false as never) };
  const trust: AskTrust = async () => easyTrust(isRefusing ? refusing : {});
  const end = new PorthopError("ssh.auth-failed", "the tenth time");
  await using kept = new Kept(line, {
    trust,
    plan: { reconnect: "auto" },
    verdicts: [soon, soon, { next: "end", reason: end }],
  });
  const { lost } = await kept.connecting.connect(signal);
  isRefusing = true;
  line.cut();
  assert.equal(await lost, end);
  const [loss, failure] = kept.decided;
  assert.ok(loss !== undefined && "stoodMs" in loss && loss.reason.code === "ssh.lost");
  assert.equal(loss.othersStand, false);
  assert.ok(failure !== undefined && "error" in failure);
  assert.deepEqual([failure.error.code, failure.wasLetIn], ["ssh.auth-failed", true]);
  assert.equal(await refusal(kept.connecting.uplink.session(signal)), end);
});

test("Of several sessions the first is waited for, and the loss of one is nobody else's.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  await using kept = new Kept(line, { plan: { reconnect: "auto", sessions: 3 }, verdicts: [soon] });
  const { uplink } = kept.connecting;
  await kept.connecting.connect(signal);
  assert.deepEqual(
    uplink.all.map(({ id }) => id),
    ["S1"],
  );
  await until(() => uplink.all.length === 3);
  line.cut(1);
  await until(() => uplink.all.length === 2);
  await until(() => uplink.all.length === 3);
  assert.deepEqual(
    uplink.all.map(({ id }) => id),
    ["S2", "S3", "S4"],
  );
});

test("A further session that will never be is given up with a warning, and the others go on.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  let logins = 0;
  const trust: AskTrust = async () => {
    logins += 1;
    if (logins > 1) throw new PorthopError("ssh.auth-failed", "too many logins of anna");
    return easyTrust();
  };
  const reason = new PorthopError("ssh.auth-failed", "too many logins of anna");
  await using kept = new Kept(server, {
    trust,
    plan: { reconnect: "auto", sessions: 2 },
    verdicts: [{ next: "end", reason }],
  });
  const { lost } = await kept.connecting.connect(signal);
  await until(() => kept.log.text !== "");
  assert.equal(kept.log.text, "warn one session less: too many logins of anna");
  assert.deepEqual([await stateOf(lost), logins], ["pending", 2]);
});

test("A login that somebody typed has one session, and says at the start what its loss will mean.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  const trust: AskTrust = async () => easyTrust({ needs: () => "person" });
  await using kept = new Kept(line, { trust, plan: { reconnect: "auto", sessions: 3, canAskLater: false } });
  const { lost } = await kept.connecting.connect(signal);
  const [first, second, ...others] = kept.log.lines;
  assert.match(first ?? "", /^warn one session only \(--sessions\): the login cannot be repeated without asking/);
  assert.match(second ?? "", /^warn a lost session will end porthop: the login was typed/);
  assert.deepEqual(others, []);
  line.cut();
  const reason = await lost;
  assert.deepEqual([reason.code, reason.exitCode], ["ssh.lost", 255]);
  assert.match(reason.message, /the login was typed, and nobody is there to type it again$/);
});

test("Where somebody is there to type it again, the session is made again, and nothing is said before.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  const trust: AskTrust = async () => easyTrust({ needs: () => "person" });
  await using kept = new Kept(line, { trust, plan: { reconnect: "auto" } });
  await kept.connecting.connect(signal);
  assert.equal(kept.log.text, "");
  line.cut();
  await kept.told("ready S2 at 1");
});

test("A login that is typed after an outage keeps its session, whichever of several it stands for.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  let logins = 0;
  const trust: AskTrust = async () => {
    logins += 1;
    return easyTrust(logins > 2 ? { needs: () => "person" } : {});
  };
  await using kept = new Kept(line, {
    trust,
    plan: { reconnect: "auto", sessions: 2 },
    verdicts: [{ next: "retry", inMs: neverMs, mayHurry: true }, soon],
  });
  await kept.connecting.connect(signal);
  await kept.told("ready S2 at 1");
  line.cut(1);
  await kept.told(`reconnect 1 in ${neverMs}`);
  line.cut();
  await kept.told("ready S3 at 1");
  await quiet();
  assert.ok(!kept.story.includes("connecting S4 at 1"), "nobody is asked for another one");
  assert.match(kept.log.text, /^warn one session only \(--sessions\)/);
  line.cut();
  await kept.told("ready S4 at 1");
  await kept.connecting.close();
  await server.idle();
});

test("What is decided after a loss goes by whether another session stands.", { timeout }, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  let logins = 0;
  const trust: AskTrust = async () => {
    logins += 1;
    return easyTrust(logins > 2 ? { needs: () => "person" } : {});
  };
  await using kept = new Kept(line, { trust, plan: { reconnect: "auto", sessions: 2 }, verdicts: [soon] });
  await kept.connecting.connect(signal);
  await kept.told("ready S2 at 1");
  line.cut(1);
  await kept.told("ready S3 at 1");
  await until(() => kept.connecting.uplink.all.length === 2);
  assert.equal(kept.log.text, "", "both stand");
  const [loss] = kept.decided;
  assert.ok(loss !== undefined && "othersStand" in loss && loss.othersStand);
});

test("Whoever asks during an attempt cuts the wait after it short, to a second after the attempt began.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using line = await faultyRelay(server);
  let logins = 0;
  const failing = Promise.withResolvers<never>();
  const begun = Promise.withResolvers<void>();
  const times: number[] = [];
  const trust: AskTrust = async () => {
    times.push(performance.now());
    logins += 1;
    if (logins !== 2) return easyTrust();
    begun.resolve();
    return failing.promise;
  };
  const never: Verdict = { next: "retry", inMs: neverMs, mayHurry: true };
  await using kept = new Kept(line, { trust, plan: { reconnect: "auto" }, verdicts: [soon, never] });
  await kept.connecting.connect(signal);
  line.cut();
  await begun.promise;
  kept.connecting.now();
  failing.reject(new PorthopError("ssh.lost", "dropped", { leg: 2 }));
  await kept.told("ready S3 at 2");
  const [, second = 0, third = 0] = times;
  assert.ok(third - second > 900, `${third - second} ms`);
});

test("A stop does not wait for an attempt that hangs, as where a file is on a disk that is gone.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  const reading = Promise.withResolvers<void>();
  const trust: AskTrust = () => {
    reading.resolve();
    return new Promise(() => {});
  };
  await using kept = new Kept(server, { trust });
  const stop = new AbortController();
  const connecting = refusal(kept.connecting.connect(stop.signal));
  await reading.promise;
  stop.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  assert.equal((await connecting).code, "cancelled");
  await kept.connecting.close();
  await server.idle();
});

test("While no session stands one place tries for all, and the others follow when it stands.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using kept = new Kept(server, { plan: { sessions: 3, reconnect: "auto" }, verdicts: [soon] });
  await kept.connecting.connect(signal);
  await kept.told("ready S3 at 1");
  assert.deepEqual(
    kept.story.filter((line) => !line.startsWith("reconnect")),
    [1, 2, 3].flatMap((id) => [`connecting S${id} at 1`, `ready S${id} at 1`]),
    "one after the other",
  );
  await until(() => kept.connecting.uplink.all.length === 3);
  server.drop();
  await kept.told("ready S6 at 1");
  await until(() => kept.connecting.uplink.all.length === 3);
  const later = kept.story.filter((line) => /^(connecting|ready) S[456]/.test(line));
  assert.deepEqual(
    later,
    [4, 5, 6].flatMap((id) => [`connecting S${id} at 1`, `ready S${id} at 1`]),
  );
  assert.equal(server.counts.connections, 6);
});

test("When a further session is dropped, no other is tried before it is that one's turn again.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  let logins = 0;
  const trust: AskTrust = async () => {
    logins += 1;
    return logins === 2 ? Promise.reject(new PorthopError("ssh.lost", "too many at a time", { leg: 2 })) : easyTrust();
  };
  const plan = { sessions: 3, reconnect: "auto" as const };
  await using kept = new Kept(server, { plan, trust, verdicts: [{ next: "retry", inMs: neverMs, mayHurry: true }] });
  await kept.connecting.connect(signal);
  await kept.told(`reconnect 2 in ${neverMs}`);
  await quiet();
  assert.equal(logins, 2);
  kept.connecting.now();
  await kept.told("ready S4 at 1");
});

test("A further session that is refused takes nothing from the one that stands.", { timeout }, async () => {
  await using server = await startSshServer();
  let logins = 0;
  const refused = new PorthopError("ssh.auth-failed", "too many logins", { leg: 2 });
  const trust: AskTrust = async () => {
    logins += 1;
    return logins === 1 ? easyTrust() : Promise.reject(refused);
  };
  const plan = { sessions: 2, reconnect: "auto" as const };
  const never: Verdict = { next: "end", reason: refused };
  await using kept = new Kept(server, { plan, trust, verdicts: [never] });
  const { lost } = await kept.connecting.connect(signal);
  await until(() => kept.log.lines.length > 0);
  assert.deepEqual(kept.log.lines, ["warn one session less: too many logins"]);
  assert.equal(kept.connecting.uplink.all.length, 1);
  assert.equal(await stateOf(lost), "pending");
});
