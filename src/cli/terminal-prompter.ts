/**
 * Asks a person, as ssh does: at the terminal, whatever stdin, stdout and stderr are, or by the program of SSH_ASKPASS
 * (readpass.c). With neither there is no prompter.
 */
import { withEither } from "../io/either-signal.ts";
import { programAnswer } from "../io/program-answer.ts";
import { describe } from "../io/socket-failure.ts";
import type { Prompter } from "../ssh/prompter.ts";
import { visible, visibleLines } from "../text/terminal-text.ts";
import { type Askpass, askpassOf } from "./askpass.ts";
import { environmentForPrograms, terminalFromFront } from "./background.ts";
import type { Output } from "./output.ts";
import { openTerminal, QuestionTerminal } from "./question-terminal.ts";

export interface TerminalPrompter extends Prompter {
  /** False when `release` leaves nobody to ask. */
  readonly isLasting: boolean;
  /** Gives a terminal back that the process in front has handed on. Nobody can be asked after that. */
  release(): void;
}

interface Deps {
  /** Called before each question, so that other messages to the terminal can stop. */
  asked?(): void;
  readonly output: Pick<Output, "info" | "warn">;
  /** Ends each question. */
  readonly signal: AbortSignal;
}

/** Undefined where nobody can be asked. */
export function terminalPrompter(environment: NodeJS.ProcessEnv, deps: Deps): TerminalPrompter | undefined {
  const askpass = askpassOf(environment);
  if (askpass?.isPreferred === true) return byProgram(askpass, environment, deps);
  const terminal = theTerminal(environment);
  if (terminal !== undefined) return atTerminal(terminal, terminalFromFront(environment) === undefined, deps);
  return askpass === undefined ? undefined : byProgram(askpass, environment, deps);
}

function theTerminal(environment: NodeJS.ProcessEnv): QuestionTerminal | undefined {
  const descriptor = terminalFromFront(environment);
  if (descriptor !== undefined) return QuestionTerminal.handedOn(descriptor);
  const own = openTerminal();
  return own === undefined ? undefined : new QuestionTerminal(own);
}

function atTerminal(terminal: QuestionTerminal, isLasting: boolean, { asked, signal: ended }: Deps): TerminalPrompter {
  const line = (question: string, isHidden: boolean, signal: AbortSignal | undefined) => {
    asked?.();
    return until([ended, signal], (either) => terminal.line(visibleLines(question), { isHidden, signal: either }));
  };
  return {
    isLasting,
    ask: (question, signal) => line(question, false, signal),
    secret: (question, signal) => line(question, true, signal),
    inform: (text) => terminal.write(`${visibleLines(text)}\n`),
    release: () => terminal.release(),
  };
}

/** A server may tell something again and again and never ask. */
const mostTold = 4;

/** A refusal counts as an empty answer, as in ssh: an empty answer accepts no host key and opens no key file. */
function byProgram({ program }: Askpass, variables: NodeJS.ProcessEnv, deps: Deps): TerminalPrompter {
  const { asked, output, signal: ended } = deps;
  // Text before a question belongs to the question: the program shows it in its window.
  let told: string[] = [];
  const answer = async (question: string, signal: AbortSignal | undefined) => {
    asked?.();
    const prompt = [...told, visibleLines(question)].join("\n");
    told = [];
    return until([ended, signal], async (either) => {
      try {
        return (await programAnswer(program, [prompt], environmentForPrograms(variables), either)) ?? "";
      } catch (error) {
        either.throwIfAborted();
        output.warn(`cannot run ${visible(program, 200)} (SSH_ASKPASS): ${describe(error)}`);
        return "";
      }
    });
  };
  return {
    isLasting: true,
    ask: answer,
    secret: answer,
    inform(text) {
      told = [...told, visibleLines(text)].slice(-mostTold);
      output.info(text);
    },
    release() {},
  };
}

function until<T>(signals: readonly (AbortSignal | undefined)[], ask: (either: AbortSignal) => Promise<T>): Promise<T> {
  return withEither(
    signals.filter((signal) => signal !== undefined),
    ask,
  );
}
