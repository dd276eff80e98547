/**
 * Whatever somebody may type where the wizard asks for a text, and the commands and the plan that come of it.
 */
import fc from "fast-check";
import { sshWords } from "../../src/tunnel/ssh-command.ts";
import { nextStep } from "../../src/wizard/conversation.ts";
import { ownWords, type Plan } from "../../src/wizard/plan.ts";
import type { Facts, Question } from "../../src/wizard/question.ts";

export const facts: Facts = { here: "brahma", home: "/home/anna", hosts: [] };

/** What Enter takes at each question, and a fixed text where something has to be typed. */
export function usualAnswer(question: Question): string {
  if (question.usual !== undefined) return question.usual;
  return /port/.test(question.id) ? "9000" : /jumps|server/.test(question.id) ? "alice@vishnu" : "db.internal";
}

/** What a shell, ssh or a terminal would make something of. */
const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({ unit: fc.constantFrom(..."'\"$`\\;&|<>(){}[]*?!~#=%@:,/- \t\n\r\u001bab1."), maxLength: 20 }),
  fc.constantFrom("-L", "$(id)", "`id`", "a'b", 'a"b', "user@-host", "DOMAIN\\bob@host", "a b@host", "%h", "~root"),
);

export const typed = fc.record({ server: nasty, host: nasty, path: nasty, capture: nasty, rate: nasty, jumps: nasty });

type Typed = typeof typed extends fc.Arbitrary<infer T> ? T : never;
const starts = [["reach", "docker"], ["reach", "ssh"], ["show", "web", "elsewhere"], ["relay"]] as const;

/** The commands of all ways, with these texts wherever something is typed. */
export function commandsTyping({ server, host, path, capture, rate, jumps }: Typed): readonly string[][] {
  const texts: Readonly<Record<string, string>> = {
    ...{ server, "where-host": host, "target-host": host, socket: `/${path}`, "listen-path": `/${path}` },
    ...{ "capture-file": `${capture}.pcap`, rate, jumps },
  };
  return starts.flatMap((start) => {
    const plan = planTyping(start, texts);
    const ssh = plan.description.via === "ssh" ? [["ssh", ...sshWords(plan.description)]] : [];
    return [[...ownWords(plan)], ...ssh];
  });
}

/** The plan after these texts were typed wherever they are asked for; where one is refused, the usual answer. */
function planTyping(start: readonly string[], texts: Readonly<Record<string, string>>): Plan {
  const wishes = ["capture", "rate", "jumps"];
  let step = nextStep(start, facts);
  while ("question" in step) {
    const { question, given } = step;
    const answers = given.map(({ answer }) => answer);
    const wish = question.id === "extras" ? (wishes.shift() ?? "none") : undefined;
    const tried = nextStep([...answers, wish ?? texts[question.id] ?? usualAnswer(question)], facts);
    const isRefused = "question" in tried && tried.flaw !== undefined;
    step = isRefused ? nextStep([...answers, fallback(question)], facts) : tried;
  }
  return step.plan;
}

function fallback(question: Question): string {
  return question.id === "extras" ? "none" : usualAnswer(question);
}
