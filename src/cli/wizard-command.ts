/**
 * `porthop wizard`: asks in plain words what the user wants, shows the command that does it, and runs, copies or saves
 * that command. src/wizard decides what to ask; this file talks to the terminal.
 */
import { currentHome } from "../config/current-user.ts";
import { realSources } from "../config/file/config-sources.ts";
import { readHostNames } from "../config/file/host-names.ts";
import { PorthopError } from "../errors.ts";
import { type ConversationStep, type GivenAnswer, nextStep, resume } from "../wizard/conversation.ts";
import { type Facts, flawIn, type Question } from "../wizard/question.ts";
import { placeHere } from "./described-words.ts";
import { startAfresh } from "./fresh-start.ts";
import { Interruption } from "./interruption.ts";
import { relay } from "./relay-command.ts";
import { run } from "./run-command.ts";
import { type Asker, type AskOptions, back, backKey, cancelled, isPlain } from "./wizard/asker.ts";
import { type Decision, decide, lineOf } from "./wizard/finish.ts";
import { linesAsker } from "./wizard/lines.ts";
import { nextFreePort, portFlaw } from "./wizard/port.ts";
import { promptingAsker } from "./wizard/prompts.ts";

export async function wizard(): Promise<number> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new PorthopError("usage", "the wizard needs a terminal: without one, porthop command prints an ssh command", {
      hint: "porthop command --help and porthop run --help show the flags",
    });
  }
  const outcome = await talk();
  if (typeof outcome === "number") return outcome;
  // Starts anew as for a typed command: run and relay have settings of their own for memory.
  startAfresh(outcome.words);
  const [name, ...rest] = outcome.words;
  return name === "relay" ? relay(rest, () => {}) : run(rest, () => {});
}

/** The words to run, or the exit code. */
async function talk(): Promise<number | { readonly words: readonly string[] }> {
  const interruption = new Interruption();
  let asker: Asker | undefined;
  try {
    const isSimple = isPlain(process.env, process.stderr.columns);
    asker = isSimple ? linesAsker(interruption.stop) : await promptingAsker(interruption.stop);
    const decision = await new Conversation(asker).end();
    return decision.kind === "run" ? { words: decision.words } : 0;
  } catch (thrown) {
    const isStopped = interruption.stop.aborted;
    if (!isStopped && !(thrown instanceof PorthopError && thrown.code === "cancelled")) throw thrown;
    asker?.end("Cancelled.");
    return isStopped ? await interruption.requested : cancelled().exitCode;
  } finally {
    asker?.close();
    interruption.release();
  }
}

class Conversation {
  readonly #asker: Asker;
  readonly #sources = realSources(process.env);
  readonly #place = placeHere("porthop");
  readonly #facts: Facts = {
    here: this.#place.here,
    home: currentHome(process.env),
    hosts: readHostNames(this.#sources).hosts,
  };
  /** The last answer to each question, so that a user who goes back loses nothing. */
  readonly #remembered = new Map<string, string>();
  /** The answers that came after an answer that the user changed. */
  #kept: readonly GivenAnswer[] = [];

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** Talks until the user runs the command or leaves. */
  async end(): Promise<Extract<Decision, { kind: "run" | "quit" }>> {
    const { backKeys } = this.#asker;
    this.#asker.begin("porthop wizard", `Enter takes what is offered, ${backKeys} goes back, Ctrl-C leaves.`);
    let step: ConversationStep = nextStep([], this.#facts);
    for (;;) {
      if ("question" in step) {
        step = await this.#next(
          step.given.map(({ answer }) => answer),
          step.question,
        );
        continue;
      }
      const decision = await decide(step.plan, step.given, this.#place, this.#asker, this.#sources);
      if (decision.kind === "back") step = this.#before(step.given.map(({ answer }) => answer));
      else if (decision.kind === "change") step = await this.#changed(step, decision.index);
      else {
        this.#leave(decision, lineOf(step.plan));
        return decision;
      }
    }
  }

  async #next(answers: readonly string[], question: Question): Promise<ConversationStep> {
    const answer = await this.#ask(question, answers.length > 0);
    if (answer === back) return this.#before(answers);
    return resume([...answers, answer], this.#kept, this.#facts);
  }

  /** Goes one question back. The first question is asked again. */
  #before(answers: readonly string[]): ConversationStep {
    this.#kept = [];
    return nextStep(answers.slice(0, -1), this.#facts);
  }

  async #changed(step: ConversationStep, index: number): Promise<ConversationStep> {
    const old = step.given[index];
    if (old === undefined) return step;
    const answer = await this.#ask(old.question, true);
    if (answer === back) return step;
    this.#kept = step.given.slice(index + 1);
    const before = step.given.slice(0, index).map((each) => each.answer);
    return resume([...before, answer], this.#kept, this.#facts);
  }

  async #ask(question: Question, canGoBack: boolean): Promise<string | typeof back> {
    const key = JSON.stringify(question);
    const remembered = this.#remembered.get(key);
    const asking = { canGoBack, usual: remembered, ...(await this.#port(question, remembered)) };
    const answer = await this.#asker.ask(question, asking);
    if (answer === back || answer === backKey) return back;
    const flaw = flawIn(question, answer);
    if (flaw !== undefined) throw new Error(`an answer passed that is none: ${flaw}`);
    // The question about extras comes again and again, so its last answer is no good proposal.
    if (question.id !== "extras") this.#remembered.set(key, answer);
    const warning = question.kind === "entry" ? question.warn?.(answer) : undefined;
    if (warning !== undefined) this.#asker.warn(warning);
    return answer;
  }

  /** For a question about a port of this machine: only a free port is taken, and a free port is proposed. */
  async #port(question: Question, remembered: string | undefined): Promise<Partial<AskOptions>> {
    if (question.kind !== "entry" || question.listensOn === undefined) return {};
    const host = question.listensOn;
    const check = (text: string) => portFlaw(host, Number(text));
    const usual = remembered ?? question.usual;
    if (usual === undefined) return { check };
    const flaw = await portFlaw(host, Number(usual));
    if (flaw === undefined) return { check, usual };
    const next = await nextFreePort(host, Number(usual) + 1);
    return { check, about: [`At the moment ${flaw}.`], usual: next === undefined ? undefined : String(next) };
  }

  #leave(decision: Decision, line: string): void {
    const isRun = decision.kind === "run";
    this.#asker.end(isRun ? "Starting it." : "Nothing runs. porthop wizard asks again.");
    // stdout is read by a program, as in `$(porthop wizard)`, and gets the line.
    if (!isRun && process.stdout.isTTY !== true) process.stdout.write(`${line}\n`);
  }
}
