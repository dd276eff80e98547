/** What the user can do with the finished plan: run, copy, save, show it for another program, or change an answer. */
import { Malformed } from "../../codec/malformed.ts";
import { shellLine } from "../../codec/words/shell-words.ts";
import type { ConfigSources } from "../../config/file/config-sources.ts";
import { resolveTunnel } from "../../config/resolved-tunnel.ts";
import { PorthopError } from "../../errors.ts";
import { porthopWords } from "../../tunnel/porthop-command.ts";
import { sshWords } from "../../tunnel/ssh-command.ts";
import { hasFlag, type Place } from "../../tunnel/tunnel-description.ts";
import type { GivenAnswer } from "../../wizard/conversation.ts";
import { ownWords, type Plan } from "../../wizard/plan.ts";
import { type Choice, choice, type Option } from "../../wizard/question.ts";
import { summary } from "../../wizard/summary.ts";
import { command } from "../print-command.ts";
import { type Asker, back } from "./asker.ts";
import { clipboardSequence, copyByTool } from "./clipboard.ts";
import { saveHost } from "./save.ts";

export type Decision =
  | { readonly kind: "run"; readonly words: readonly string[] }
  | { readonly kind: "quit" }
  | { readonly kind: "back" }
  | { readonly kind: "change"; readonly index: number };

export async function decide(
  plan: Plan,
  given: readonly GivenAnswer[],
  place: Place,
  asker: Asker,
  sources: ConfigSources,
): Promise<Decision> {
  asker.show(summary(plan, place, asker.columns, shownDescription(plan, sources)));
  let usual = "run";
  for (;;) {
    const action = await asker.ask(actionsFor(plan), { usual, canGoBack: true });
    if (action === back) return { kind: "back" };
    if (action === "quit") return { kind: "quit" };
    if (action === "run") return { kind: "run", words: ownWords(plan).slice(1) };
    if (action === "change") {
      const index = await askWhich(given, asker);
      if (index !== undefined) return { kind: "change", index };
    } else await act(action, plan, asker, sources);
    usual = "quit";
  }
}

/** The line to paste: an ssh command, or for a relay a porthop command. */
export function lineOf(plan: Plan): string {
  const { description } = plan;
  return shellLine(description.via === "ssh" ? ["ssh", ...sshWords(description)] : ownWords(plan));
}

async function act(action: string, plan: Plan, asker: Asker, sources: ConfigSources): Promise<void> {
  const { description } = plan;
  if (action === "copy") await copy(lineOf(plan), asker);
  else if (action === "copy-porthop") await copy(shellLine(ownWords(plan)), asker);
  else if (action === "save" && description.via === "ssh") await saveHost(description, asker, sources);
  else if (action === "show") await showAs(plan, asker);
}

/**
 * The tunnel with the true host in place of an alias. When the configuration cannot be read, the tunnel stays as typed.
 */
function shownDescription({ description }: Plan, sources: ConfigSources): Plan["description"] {
  if (description.via === "nothing") return description;
  try {
    // Forwards of the configuration would be one too many for a picture of what was asked for.
    return { ...resolveTunnel(description, sources).effective, forwards: description.forwards };
  } catch (error) {
    if (!(error instanceof PorthopError || error instanceof Malformed)) throw error;
    return description;
  }
}

function actionsFor({ description }: Plan): Choice {
  const isSsh = description.via === "ssh";
  const options: readonly (Option | false)[] = [
    {
      value: "run",
      label: "Run it now",
      hint: hasFlag(description, "f") ? "with porthop, in the background" : "with porthop, until Ctrl-C",
    },
    isSsh && { value: "copy", label: "Copy the ssh command" },
    { value: "copy-porthop", label: "Copy the porthop command" },
    isSsh && { value: "save", label: "Save it as a Host in ~/.ssh/config" },
    isSsh && { value: "show", label: "Show it for another program", hint: "systemd, autossh, PuTTY ..." },
    { value: "change", label: "Change an answer" },
    { value: "quit", label: "Leave" },
  ];
  return choice(
    "action",
    "What now?",
    options.filter((option) => option !== false),
  );
}

async function askWhich(given: readonly GivenAnswer[], asker: Asker): Promise<number | undefined> {
  const options = given.map(({ question, answer }, index) => {
    const label = question.kind === "choice" ? question.options.find(({ value }) => value === answer)?.label : answer;
    return { value: String(index), label: `${question.ask} ${label ?? answer}` };
  });
  const picked = await asker.ask(choice("which", "Which answer?", options), { canGoBack: true });
  return picked === back ? undefined : Number(picked);
}

async function showAs({ description }: Plan, asker: Asker): Promise<void> {
  const question = choice("format", "For which program?", [
    { value: "systemd", label: "systemd", hint: "a unit that starts it at login" },
    { value: "autossh", label: "autossh", hint: "starts ssh again when it ends" },
    { value: "plink", label: "plink", hint: "PuTTY, Windows" },
    { value: "config", label: "ssh_config", hint: "a Host block" },
    { value: "powershell", label: "ssh in PowerShell" },
  ]);
  const format = await asker.ask(question, { canGoBack: true });
  if (format === back) return;
  const flags = format === "powershell" ? ["--shell=powershell"] : [`--format=${format}`];
  // The output is that of `porthop command`, on stdout and without line breaks, so that it can be copied.
  asker.say("Here it is:");
  await command([...flags, ...porthopWords(description)], () => {});
}

async function copy(line: string, asker: Asker): Promise<void> {
  const tool = await copyByTool(line);
  if (tool !== undefined) {
    asker.say(`Copied (by ${tool}).`);
    return;
  }
  if (process.env["TERM"] === "dumb") {
    asker.warn("There is no clipboard tool (wl-copy, xclip, xsel, pbcopy, clip.exe): mark the line and copy it.");
    return;
  }
  process.stderr.write(clipboardSequence(line));
  asker.say("Handed to the terminal for its clipboard. If nothing can be pasted, mark the line and copy it.");
}
