/**
 * The conversation as a pure function: the answers so far lead to the next question or to the finished plan. To go
 * back, the caller leaves the last answer out. Nothing is asked, looked up or remembered here.
 */
import { askListening, askServerListening } from "./listening-questions.ts";
import { type Plan, relayPlan, tunnelPlan } from "./plan.ts";
import { type Asking, choice, type Facts, flawIn, isSameQuestion, type Question } from "./question.ts";
import { askServer, askService, askTarget, askTargetAddress } from "./target-questions.ts";
import { askWishes } from "./wish-questions.ts";

export interface GivenAnswer {
  readonly question: Question;
  readonly answer: string;
}

export type ConversationStep = NextQuestion | Finished;

export interface NextQuestion {
  readonly given: readonly GivenAnswer[];
  readonly question: Question;
  /** What is wrong with the last answer, which was not accepted. */
  readonly flaw?: string;
}

export interface Finished {
  readonly given: readonly GivenAnswer[];
  readonly plan: Plan;
}

export function nextStep(answers: readonly string[], facts: Facts): ConversationStep {
  const asking = conversation(facts);
  const given: GivenAnswer[] = [];
  let at = asking.next();
  for (const answer of answers) {
    if (at.done) break;
    const question = at.value;
    const flaw = flawIn(question, answer);
    if (flaw !== undefined) return { given, question, flaw };
    given.push({ question, answer });
    at = asking.next(answer);
  }
  return at.done ? { given, plan: at.value } : { given, question: at.value };
}

/**
 * The next step after an answer was changed. `old` has the answers that came after the changed one. An old answer is
 * used again when exactly the same question comes again. So only the questions that the change affects are asked again.
 */
export function resume(answers: readonly string[], old: readonly GivenAnswer[], facts: Facts): ConversationStep {
  let step = nextStep(answers, facts);
  while ("question" in step && step.flaw === undefined) {
    const { question, given } = step;
    const kept = old.find((each) => isSameQuestion(each.question, question));
    if (kept === undefined) break;
    step = nextStep([...given.map(({ answer }) => answer), kept.answer], facts);
  }
  return step;
}

function* conversation(facts: Facts): Asking<Plan> {
  const want = yield choice("want", "What do you want to do?", [
    { value: "reach", label: "Reach a service behind a server", hint: "a web site, a database, a screen ..." },
    { value: "show", label: "Show something of mine to the server's side", hint: "a web site, this screen ..." },
    { value: "socks", label: "Send a browser, or any program, through the server", hint: "SOCKS" },
    { value: "reverse-socks", label: "Let the server's side reach out through me", hint: "reverse SOCKS" },
    { value: "relay", label: "Just move a port, without a server", hint: "relay" },
  ]);
  if (want === "reach") return yield* reach(facts);
  if (want === "show") return yield* show(facts);
  if (want === "relay") return yield* relay(facts);
  return yield* proxy(want === "reverse-socks", facts);
}

function* reach(facts: Facts): Asking<Plan> {
  const service = yield* askService("reach");
  const server = yield* askServer(facts);
  const connect = yield* askTarget(service, server.host);
  const listen = yield* askListening(service.value, connect, facts);
  const spec = { kind: "local", side: "here", listen, connect } as const;
  return tunnelPlan(server, spec, service.value, yield* askWishes("ssh", facts));
}

function* show(facts: Facts): Asking<Plan> {
  const service = yield* askService("show");
  const connect = yield* askTarget(service, facts.here, true);
  const server = yield* askServer(facts);
  const listen = yield* askServerListening(connect, server.host);
  const spec = { kind: "remote", side: "server", listen, connect } as const;
  return tunnelPlan(server, spec, service.value, yield* askWishes("ssh", facts));
}

function* proxy(isReverse: boolean, facts: Facts): Asking<Plan> {
  const server = yield* askServer(facts);
  const listen = isReverse
    ? yield* askServerListening(undefined, server.host)
    : yield* askListening("socks", undefined, facts);
  const of = isReverse
    ? ({ kind: "reverse-dynamic", side: "server" } as const)
    : ({ kind: "dynamic", side: "here" } as const);
  const wishes = yield* askWishes("ssh", facts);
  return tunnelPlan(server, { ...of, listen, connect: undefined }, undefined, wishes);
}

function* relay(facts: Facts): Asking<Plan> {
  const connect = yield* askTargetAddress();
  const listen = yield* askListening("relay", connect, facts);
  return relayPlan({ kind: "local", side: "here", listen, connect }, yield* askWishes("nothing", facts));
}
