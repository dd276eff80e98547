/** The help that cac made, laid out for people: examples first, and no line wider than a terminal of 80 columns. */
import { wrappedWords } from "../text/wrapped-text.ts";

export interface HelpSection {
  title?: string;
  body: string;
}

const columns = 80;

export function laidOutHelp(sections: readonly HelpSection[]): HelpSection[] {
  const isExamples = ({ title }: HelpSection) => title === "Examples";
  const isRepetition = ({ title }: HelpSection) => title?.startsWith("For more info") ?? false;
  const [heading, ...others] = sections.filter((section) => !isExamples(section) && !isRepetition(section));
  return [
    ...(heading === undefined ? [] : [heading]),
    ...sections.filter(isExamples),
    ...others.map(({ title, body }) => ({ ...(title === undefined ? {} : { title }), body: fitted(body) })),
  ];
}

/** Wraps lines such as `  -p <port>  sshd's port`: the text about the flag goes on below its own beginning. */
function fitted(body: string): string {
  return body.split("\n").flatMap(fittedLine).join("\n");
}

function fittedLine(line: string): readonly string[] {
  const [, flag, about] = /^( +\S.*? {2,})(\S.*)$/.exec(line) ?? [];
  if (flag === undefined || about === undefined) return [line.trimEnd()];
  return wrappedWords(about.trim().split(/ +/), columns, " ".repeat(flag.length), flag);
}
