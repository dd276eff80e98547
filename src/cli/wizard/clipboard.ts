/**
 * Text to the clipboard: through the first tool that is there and takes it, else by asking the terminal itself (OSC 52),
 * which works through ssh too, where the terminal lets it.
 */
import { spawn } from "node:child_process";

const tools: readonly (readonly [program: string, ...flags: string[]])[] = [
  ["wl-copy"],
  ["xclip", "-selection", "clipboard"],
  ["xsel", "--clipboard", "--input"],
  ["pbcopy"],
  ["clip.exe"],
];

/** A tool without a display to talk to may hang. */
const patienceMs = 2000;

/** The tool that took it; undefined when none did. */
export async function copyByTool(text: string): Promise<string | undefined> {
  for (const [program, ...flags] of tools) {
    if (await takes(program, flags, text)) return program;
  }
  return undefined;
}

/** xterm's "Manipulate Selection Data": the terminal takes what is between, and shows nothing of it. */
export function clipboardSequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text, "utf8").toString("base64")}\u0007`;
}

function takes(program: string, flags: readonly string[], text: string): Promise<boolean> {
  return new Promise((resolve) => {
    // xclip stays behind for whoever pastes: an output of ours would be held open by it.
    const child = spawn(program, flags, { stdio: ["pipe", "ignore", "ignore"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    const end = (isTaken: boolean) => {
      clearTimeout(timer);
      resolve(isTaken);
    };
    child.on("error", () => end(false));
    child.on("exit", (code) => end(code === 0));
    // It may have ended without reading.
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });
}
