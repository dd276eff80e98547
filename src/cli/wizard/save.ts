/**
 * Saves a tunnel as a Host of ~/.ssh/config: asks for the name, shows the lines, asks for a confirmation, and keeps a
 * copy of the old file.
 */
import { Malformed } from "../../codec/malformed.ts";
import { addToConfig, readForAddition } from "../../config/file/config-addition.ts";
import type { ConfigSources } from "../../config/file/config-sources.ts";
import { readHostNames } from "../../config/file/host-names.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { tunnelName } from "../../tunnel/ssh-config-block.ts";
import type { SshTunnel } from "../../tunnel/tunnel-description.ts";
import { choice, entry, flawIn } from "../../wizard/question.ts";
import { appendix, checkHostName, disagreement, savedHostLines } from "../../wizard/saved-host.ts";
import { type Asker, back } from "./asker.ts";

/** When something prevents saving, the user is told why and nothing is written. */
export async function saveHost(tunnel: SshTunnel, asker: Asker, sources: ConfigSources): Promise<void> {
  try {
    await save(tunnel, asker, sources);
  } catch (error) {
    if (error instanceof Malformed) asker.warn(`Not saved: ${error.message}`);
    else if (error instanceof PorthopError && error.code !== "cancelled") {
      asker.warn(`Not saved: ${error.message} (${error.hint})`);
    } else throw error;
  }
}

async function save(tunnel: SshTunnel, asker: Asker, sources: ConfigSources): Promise<void> {
  const names = readHostNames(sources);
  const question = entry("host-name", "What shall it be called?", (text) => checkHostName(text, names), {
    about: ["ssh NAME and porthop run NAME then do the same."],
  });
  const usual = tunnelName(tunnel);
  const isFree = flawIn(question, usual) === undefined;
  const name = await asker.ask(question, { usual: isFree ? usual : undefined, canGoBack: true });
  if (name === back) return;
  const path = sources.userFile;
  const before = readForAddition(path);
  const lines = savedHostLines(tunnel, name, names, sources, workingFolder());
  const addition = appendix(lines, before === undefined || before.length === 0, before?.at(-1) === 0x0a);
  const differences = disagreement(tunnel, name, sources, reading(sources, path, before, addition));
  if (differences.length > 0) {
    asker.warn(`Not saved: ${differences.join("; ")}. Change that line, or take the command as it is.`);
    return;
  }
  asker.show([{ title: `To be added at the end of ${visible(path)}`, lines: lines.map(added), isCommand: true }]);
  const options = [
    { value: "yes", label: "Yes, add these lines" },
    { value: "no", label: "No, leave the file alone" },
  ];
  if ((await asker.ask(choice("save", "Shall they be added?", options), { canGoBack: true })) !== "yes") return;
  const copy = addToConfig(path, before, addition);
  const kept = copy === undefined ? "" : ` The file as it was: ${visible(copy)}`;
  asker.say(`Saved: ssh ${name}, or porthop run ${name}.${kept}`);
}

/** Somebody may have deleted the folder meanwhile. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new PorthopError("file.cannot-read", "the folder in which porthop was started is gone", {
      hint: "change to another folder, and start there",
    });
  }
}

/** The configuration as it would be with the new lines in the user's file. */
function reading(sources: ConfigSources, path: string, before: Buffer | undefined, addition: string): ConfigSources {
  const text = `${before?.toString("utf8") ?? ""}${addition}`;
  return { ...sources, read: (file, isPrivate) => (file === path ? text : sources.read(file, isPrivate)) };
}

function added(line: string): string {
  return `+ ${line}`.trimEnd();
}
