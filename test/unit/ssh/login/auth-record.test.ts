import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import {
  type Attempt,
  type AuthRecord,
  authFailure,
  grantedBy,
  newAuthRecord,
  noteNeed,
  type Obstacle,
} from "../../../../src/ssh/login/auth-record.ts";

const login = { user: "anna", host: "vishnu", port: 2222 };

function record(changes: Partial<AuthRecord> = {}): AuthRecord {
  return { ...newAuthRecord(login), ...changes };
}

const key = (label: string, answer: Attempt["answer"] = "refused"): Attempt => ({
  method: "publickey",
  key: { label, fromAgent: false },
  answer,
});
const agentKey = (label: string): Attempt => ({
  method: "publickey",
  key: { label, fromAgent: true },
  answer: "refused",
});
const password: Attempt = { method: "password", answer: "refused" };

const refused = 'vishnu:2222 refused the login of "anna": ';

const told: readonly (readonly [what: string, changes: Partial<AuthRecord>, message: string])[] = [
  ["nothing", {}, `${refused}tried nothing`],
  ["one key file", { attempts: [key("~/.ssh/id_rsa")] }, `${refused}tried publickey (~/.ssh/id_rsa)`],
  [
    "two files and an agent's key",
    { attempts: [agentKey("a"), key("~/one"), key("~/two")] },
    `${refused}tried publickey (~/one, ~/two, 1 agent key)`,
  ],
  ["two agent keys", { attempts: [agentKey("a"), agentKey("b")] }, `${refused}tried publickey (2 agent keys)`],
  ["a password, once", { attempts: [password] }, `${refused}tried password`],
  ["a password, three times", { attempts: [password, password, password] }, `${refused}tried password (3 times)`],
  [
    "several methods",
    { attempts: [key("~/one"), { method: "keyboard-interactive", answer: "refused" }, password, password] },
    `${refused}tried publickey (~/one), keyboard-interactive, password (2 times)`,
  ],
  [
    "a key that was one step of several",
    { attempts: [key("~/one", "partial"), password] },
    `${refused}accepted publickey as a part of it, tried password`,
  ],
  [
    "a key that was one step, and no other",
    { attempts: [key("~/one", "partial")] },
    `${refused}accepted publickey as a part of it, then tried nothing more`,
  ],
  ["a key that could not even be sent", { attempts: [key("~/one", "unsent")] }, `${refused}then tried nothing more`],
  [
    "and what the server takes",
    { attempts: [password], serverMethods: ["publickey", "password"] },
    `${refused}tried password; the server takes publickey,password`,
  ],
  ["a server that takes nothing", { serverMethods: [] }, `${refused}tried nothing; the server takes nothing`],
];

for (const [what, changes, message] of told) {
  test(`A login that tried ${what} is told: ${message}`, () => {
    const error = authFailure(record(changes));
    assert.deepEqual([error.code, error.leg, error.message], ["ssh.auth-failed", 2, message]);
  });
}

test("A server that ended the login in the middle is told so, with its own words.", () => {
  const cause = new Error("Too many authentication failures");
  const error = authFailure(record({ attempts: [key("~/one"), { ...key("~/two"), answer: undefined }] }), cause);
  assert.equal(
    error.message,
    'vishnu:2222 ended the login of "anna" (Too many authentication failures): tried publickey (~/one, ~/two)',
  );
  assert.match(
    error.hint,
    /MaxAuthTries\), and 2 keys were offered: name the right one with -i FILE -o IdentitiesOnly=yes/,
  );
  assert.equal(error.cause, cause);
});

test("A reason of ours stands as it is, when somebody pressed Ctrl-C for example.", () => {
  const stopped = new PorthopError("cancelled", "cancelled at a question");
  assert.equal(authFailure(record({ stopped, attempts: [password] })), stopped);
});

test("A defect of ours in the middle of a login is told as what it is.", () => {
  const stopped = new TypeError("x is not a function\u001b[2J");
  const error = authFailure(record({ stopped }));
  assert.deepEqual(
    [error.code, error.message, error.cause],
    ["ssh.auth-failed", 'gave up the login of "anna" at vishnu:2222: x is not a function\\x1b[2J', stopped],
  );
  assert.match(authFailure(record({ stopped: "just text" })).message, /: just text$/);
});

const obstacle = (kind: Obstacle["kind"], hint: string): Obstacle => ({ kind, hint });

test("The hint is what stood in the way most, two things at most, each once.", () => {
  const hint = (...obstacles: Obstacle[]) => authFailure(record({ obstacles })).hint;
  assert.equal(hint(obstacle("agent", "no agent"), obstacle("permissions", "chmod 600")), "chmod 600; no agent");
  assert.equal(
    hint(obstacle("missing", "no file"), obstacle("locked", "ssh-add"), obstacle("passphrase", "wrong passphrase")),
    "wrong passphrase; ssh-add",
  );
  assert.equal(hint(obstacle("missing", "no file"), obstacle("missing", "no file")), "no file");
});

test("Without an obstacle the hint names the key that was missing, or how to check the user's name.", () => {
  const hint = (changes: Partial<AuthRecord>) => authFailure(record(changes)).hint;
  assert.match(hint({ serverMethods: ["publickey"] }), /^there was no key to offer: name one with -i/);
  const own = hint({ serverMethods: ["publickey"], attempts: [key("~/one")] });
  assert.equal(own, hint({ serverMethods: ["password"] }));
  assert.match(own, /check the user name/);
});

test("IPv6 stands in brackets, and a user's name of any kind is made visible.", () => {
  const error = authFailure({ ...record(), host: "::1", user: "an\u001bna" });
  assert.match(error.message, /^\[::1\]:2222 refused the login of "an\\x1bna": /);
});

test("Whatever the server says it takes is cut and made visible.", () => {
  const { message } = authFailure(
    record({ serverMethods: ["\u001b[2J", "x".repeat(10_000)] }),
    new Error("y".repeat(10_000)),
  );
  assert.doesNotMatch(message, /[\p{Cc}]/u);
  assert.ok(message.length < 300, `${message.length} characters`);
});

test("What a refused certificate says of itself is the first hint, of one that was not refused it is none.", () => {
  const certified = (answer: Attempt["answer"]): Attempt => ({
    method: "publickey",
    key: { label: "~/id-cert.pub", fromAgent: false, remark: "the certificate ~/id-cert.pub: it expired" },
    answer,
  });
  const obstacles: Obstacle[] = [{ kind: "permissions", hint: "chmod 600 ~/open" }];
  const hintOf = (answer: Attempt["answer"]) => authFailure(record({ attempts: [certified(answer)], obstacles })).hint;
  assert.equal(hintOf("refused"), "the certificate ~/id-cert.pub: it expired; chmod 600 ~/open");
  assert.equal(hintOf("partial"), "chmod 600 ~/open");
});

test("An expired certificate is told as the reason, also when the server hung up on it (MaxAuthTries).", () => {
  const remark = "the certificate ~/id-cert.pub: it expired";
  const last: Attempt = {
    method: "publickey",
    key: { label: "~/id-cert.pub", fromAgent: false, remark },
    answer: undefined,
  };
  const { hint } = authFailure(
    record({ attempts: [key("~/id"), last] }),
    new Error("Too many authentication failures"),
  );
  assert.ok(hint.startsWith(`${remark}; the server ends a login after a few tries (MaxAuthTries)`), hint);
});

test("A login that went well was granted for what was not refused, and for nothing when nothing was wanted.", () => {
  const granted = (...attempts: Attempt[]) => grantedBy(record({ attempts }));
  assert.equal(granted(key("~/one"), { ...key("~/two"), answer: undefined }), "publickey (~/two)");
  assert.equal(granted({ ...agentKey("a\u001b"), answer: undefined }), "publickey (a\\x1b of the agent)");
  assert.equal(granted(key("~/one", "partial"), { ...password, answer: undefined }), "publickey (~/one) and password");
  assert.match(granted(), /^no proof at all/);
});

test("A login that needs a person needs one, whatever else it needs.", () => {
  const kept = record();
  const seen = (["touch", "nobody", "person", "touch"] as const).map((needs) => {
    noteNeed(kept, needs);
    return kept.needs;
  });
  assert.deepEqual(seen, ["touch", "touch", "person", "person"]);
});
