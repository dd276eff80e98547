import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shellLine, splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";
import { type ConversationStep, nextStep, resume } from "../../../src/wizard/conversation.ts";
import { ownWords, type Plan } from "../../../src/wizard/plan.ts";
import { type Facts, isSameQuestion, type Question } from "../../../src/wizard/question.ts";
import { reachable, showable } from "../../../src/wizard/services.ts";
import { rounds } from "../../kit/effort.ts";
import { commandsTyping, facts, typed, usualAnswer } from "../../kit/wizard-texts.ts";

const knowing: Facts = { ...facts, hosts: ["web", "db"] };

function planAfter(answers: readonly string[], known = facts): Plan {
  const step = nextStep(answers, known);
  assert.ok("plan" in step, `still asked: ${"question" in step ? step.question.ask : ""}`);
  return step.plan;
}

/** The ssh command, or for a relay porthop's. */
function commandAfter(answers: readonly string[], known = facts): string {
  const plan = planAfter(answers, known);
  return shellLine(plan.description.via === "ssh" ? sshWords(plan.description) : ownWords(plan));
}

const exit = "-o ExitOnForwardFailure=yes";

const paths: readonly (readonly [answers: readonly string[], command: string])[] = [
  [
    ["reach", "web", "alice@vishnu:2222", "itself", "80", "me", "8080", "none"],
    `-N -p 2222 ${exit} -L 8080:localhost:80 alice@vishnu`,
  ],
  [
    ["reach", "web", "vishnu", "itself", "other", "3000", "network", "3000", "none"],
    `-N ${exit} -L '*:3000:localhost:3000' vishnu`,
  ],
  [
    ["reach", "postgresql", "vishnu", "elsewhere", "db.internal", "5432", "me", "5433", "none"],
    `-N ${exit} -L 5433:db.internal:5432 vishnu`,
  ],
  [
    ["reach", "ssh", "bastion", "elsewhere", "::1", "22", "me", "2222", "none"],
    `-N ${exit} -L '2222:[::1]:22' bastion`,
  ],
  [
    ["reach", "docker", "vishnu", "/var/run/docker.sock", "file", "/home/anna/docker.sock", "none"],
    `-N ${exit} -o StreamLocalBindUnlink=yes -L /home/anna/docker.sock:/var/run/docker.sock vishnu`,
  ],
  [
    ["reach", "docker", "vishnu", "/var/run/docker.sock", "me", "2375", "none"],
    `-N ${exit} -L 2375:/var/run/docker.sock vishnu`,
  ],
  [
    ["reach", "other", "vishnu", "itself", "9000", "me", "9000", "compress", "background", "none"],
    `-N -C -f ${exit} -L 9000:localhost:9000 vishnu`,
  ],
  [
    ["reach", "redis", "vishnu", "itself", "6379", "me", "6379", "jumps", "a@b1:2200,b2", "none"],
    `-N -J a@b1:2200,b2 ${exit} -L 6379:localhost:6379 vishnu`,
  ],
  [
    ["show", "web", "itself", "3000", "alice@vishnu", "server", "8080", "none"],
    `-N ${exit} -R 8080:localhost:3000 alice@vishnu`,
  ],
  [
    ["show", "ssh", "elsewhere", "pc.lan", "22", "vishnu", "network", "2222", "none"],
    `-N ${exit} -R '*:2222:pc.lan:22' vishnu`,
  ],
  [["socks", "vishnu", "me", "1080", "none"], `-N ${exit} -D 1080 vishnu`],
  [["socks", "vishnu", "network", "1081", "none"], `-N ${exit} -D '*:1081' vishnu`],
  [["reverse-socks", "vishnu", "server", "1080", "none"], `-N ${exit} -R 1080 vishnu`],
  [["reverse-socks", "vishnu", "network", "1080", "none"], `-N ${exit} -R '*:1080' vishnu`],
  [["relay", "intranet", "80", "me", "8080", "none"], "porthop relay -L 8080:intranet:80"],
  [
    ["relay", "intranet", "80", "network", "8080", "rate", "500KB/s", "background", "none"],
    "porthop relay -f -L '*:8080:intranet:80' --rate-limit 500KB/s",
  ],
];

for (const [answers, command] of paths) {
  test(`${answers.join(", ")}: ${command}`, () => {
    assert.equal(commandAfter(answers), command);
  });
}

test("A host of the configuration is taken by its name, and another one is typed.", () => {
  const rest = ["me", "1080", "none"];
  assert.equal(commandAfter(["socks", "host db", ...rest], knowing), `-N ${exit} -D 1080 db`);
  assert.equal(commandAfter(["socks", "other", "vishnu", ...rest], knowing), `-N ${exit} -D 1080 vishnu`);
});

test("What only porthop does stands in porthop's words and not in ssh's.", () => {
  const start = ["socks", "vishnu", "me", "1080"];
  const answers = [...start, "capture", "~/out.pcapng", "rate", "8Mbit/s", "none"];
  assert.equal(commandAfter(answers), `-N ${exit} -D 1080 vishnu`);
  assert.deepEqual(ownWords(planAfter(answers)), [
    ...["porthop", "run", "--rate-limit", "8Mbit/s", "--capture", "/home/anna/out.pcapng"],
    ...["-N", "-D", "1080", "vishnu"],
  ]);
});

/** Ever the usual answer from here on. */
function finish(
  answers: readonly string[],
  known = facts,
): { readonly answers: readonly string[]; readonly plan: Plan } {
  let step = nextStep(answers, known);
  while ("question" in step) {
    assert.equal(step.flaw, undefined);
    step = nextStep([...step.given.map(({ answer }) => answer), usualAnswer(step.question)], known);
  }
  return { answers: step.given.map(({ answer }) => answer), plan: step.plan };
}

for (const [want, services] of [
  ["reach", reachable],
  ["show", showable],
] as const) {
  for (const { value, ports, socket } of services) {
    test(`Enter alone leads from "${want}, ${value}" to a forward of its usual port.`, () => {
      const { plan } = finish([want, value]);
      const expected = socket ?? ports[0]?.port ?? 9000;
      const { connect } = plan.spec;
      assert.ok(connect !== undefined);
      assert.equal("path" in connect ? connect.path : connect.port, expected);
      assert.equal(plan.spec.kind, want === "reach" ? "local" : "remote");
    });
  }
}

test("Each port of each service can be picked.", () => {
  for (const { value, ports } of reachable) {
    for (const { port } of ports) {
      const { plan } = finish(["reach", value, "vishnu", "itself", String(port)]);
      assert.deepEqual(plan.spec.connect, { host: "localhost", port });
    }
  }
});

/** Every way through the choices, the texts being the usual ones; each wish once. */
function* ways(answers: readonly string[], known: Facts): Generator<readonly string[]> {
  const step = nextStep(answers, known);
  if ("plan" in step) {
    yield answers;
    return;
  }
  const { question } = step;
  const wished = answers.includes("capture") || answers.includes("compress");
  const options =
    question.kind === "entry" || (question.id === "extras" && wished)
      ? [usualAnswer(question)]
      : question.options.map(({ value }) => value);
  for (const option of options) yield* ways([...answers, option === "rate" ? "none" : option], known);
}

test("Every way through the choices ends in a command that is read back as the same tunnel.", {
  timeout: 30_000,
}, () => {
  let count = 0;
  for (const want of ["reach", "show", "socks", "reverse-socks", "relay"]) {
    for (const answers of limited(ways([want], want === "socks" ? knowing : facts), 400)) {
      count++;
      const plan = planAfter(answers, want === "socks" ? knowing : facts);
      const own = splitShellWords(shellLine(ownWords(plan)));
      assert.deepEqual(own, ownWords(plan));
      if (plan.description.via === "nothing") assert.deepEqual(describeRelay(own.slice(2)), plan.description);
      else {
        const words = sshWords(plan.description);
        assert.deepEqual(splitShellWords(shellLine(words)), words);
        assert.deepEqual(describeTunnel(words), { ...plan.description, extras: [] });
      }
    }
  }
  assert.ok(count > 500, `${count} ways`);
});

function* limited<T>(values: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const value of values) {
    if (count++ >= most) return;
    yield value;
  }
}

test("Going back is leaving the last answer out: at every step the question before comes again.", () => {
  for (const [answers] of paths) {
    const asked: Question[] = [];
    for (let count = 0; count < answers.length; count++) {
      const step = nextStep(answers.slice(0, count), facts);
      assert.ok("question" in step);
      asked.push(step.question);
    }
    for (let count = answers.length - 1; count >= 0; count--) {
      const step = nextStep(answers.slice(0, count), facts);
      const before = asked[count];
      assert.ok("question" in step && before !== undefined && isSameQuestion(step.question, before));
      assert.deepEqual(
        step.given.map(({ answer }) => answer),
        answers.slice(0, count),
      );
    }
  }
});

test("No question is asked twice in one conversation, so that an old answer finds its place.", () => {
  const answers = [
    "socks",
    "vishnu",
    "me",
    "1080",
    "capture",
    "a.pcap",
    "rate",
    "1MB/s",
    "compress",
    "jumps",
    "b",
    "none",
  ];
  const step = nextStep(answers, facts);
  const asked = step.given.map(({ question }) => JSON.stringify(question));
  assert.equal(asked.length, answers.length);
  assert.equal(new Set(asked).size, asked.length);
});

test("A wrong answer is not taken, and the step says what is wrong with it.", () => {
  const flaws: readonly (readonly [answers: readonly string[], flaw: RegExp])[] = [
    [["fly"], /not on the list/],
    [["reach", "gopher"], /not on the list/],
    [["socks", ""], /type something/],
    [["socks", "-oProxyCommand=x"], /begins with "-"/],
    [["socks", "a b"], /contains/],
    [["socks", "$(reboot)"], /contains/],
    [["socks", "a\nb"], /line break/],
    [["socks", "\u001b[2J"], /invisible/],
    [["socks", "vishnu", "me", "0"], /not a port/],
    [["socks", "vishnu", "me", "65536"], /not a port/],
    [["socks", "vishnu", "me", "http"], /is a name, not a port/],
    [["relay", "*"], /no machine/],
    [["reach", "docker", "vishnu", "docker.sock"], /begins with \//],
    [["reach", "docker", "vishnu", `/${"x".repeat(120)}`], /longer than 107 bytes/],
    [["socks", "vishnu", "me", "1080", "capture", "-"], /dash/],
    [["socks", "vishnu", "me", "1080", "capture", "out.txt"], /ends in/],
    [["socks", "vishnu", "me", "1080", "rate", "fast"], /not a rate/],
    [["socks", "vishnu", "me", "1080", "jumps", "none"], /name a server/],
    [["socks", "vishnu", "me", "1080", "jumps", "a,,b"], /empty host/],
  ];
  for (const [answers, flaw] of flaws) {
    const step = nextStep(answers, facts);
    assert.ok("question" in step);
    assert.match(step.flaw ?? "", flaw);
    assert.deepEqual(
      step.given.map(({ answer }) => answer),
      answers.slice(0, -1),
    );
  }
});

test("After a change only what depends on it is asked again.", () => {
  const { given } = finished(["reach", "postgresql", "alice@vishnu", "itself", "5432", "me", "5433", "none"]);
  // Another service has other ports, but the server is the same.
  const other = resume(["reach", "mysql"], given.slice(2), facts);
  assert.ok("question" in other);
  assert.deepEqual([other.question.id, other.given.at(-1)?.answer], ["service-port", "itself"]);
  // Who may connect says nothing of the port.
  const open = resume([...given.slice(0, 5).map(({ answer }) => answer), "network"], given.slice(6), facts);
  // It is to be free on other addresses, so it is asked anew, and then all is known.
  assert.ok("question" in open && open.question.id === "listen-port");
  const last = resume([...open.given.map(({ answer }) => answer), "5433"], given.slice(6), facts);
  assert.ok("plan" in last);
  assert.deepEqual(last.plan.spec.listen, { bind: "*", port: 5433 });
});

function finished(answers: readonly string[]): Extract<ConversationStep, { plan: Plan }> {
  const step = nextStep(answers, facts);
  assert.ok("plan" in step);
  return step;
}

test("Whatever is typed is refused, or stands in a line that is split into the very same words.", () => {
  fc.assert(
    fc.property(typed, (texts) => {
      for (const words of commandsTyping(texts)) {
        assert.deepEqual(splitShellWords(shellLine(words)), words);
        assert.doesNotMatch(shellLine(words), /[\p{Cc}\p{Cf}]/u);
      }
    }),
    { numRuns: rounds(300) },
  );
});
