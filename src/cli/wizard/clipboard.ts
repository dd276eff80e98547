/**
 * Puts text on the clipboard: through the first tool that exists and accepts the text, or else through the terminal
 * itself (OSC 52). The terminal's way also works through ssh, when the terminal allows it.
 */
import { spawn } from "node:child_process";

const tools: readonly (readonly [program: string, ...flags: string[]])[] = [
  ["wl-copy"],
  ["xclip", "-selection", "clipboard"],
  ["xsel", "--clipboard", "--input"],
  ["pbcopy"],
  ["clip.exe"],
];

/** A tool that finds no display may hang. */
const patienceMs = 2000;

/** The name of the tool that accepted the text; undefined when none did. */
export async function copyByTool(text: string): Promise<string | undefined> {
  for (const [program, ...flags] of tools) {
    if (await takes(program, flags, text)) return program;
  }
  return undefined;
}

/** xterm's "Manipulate Selection Data": the terminal puts the text on the clipboard and shows nothing. */
export function clipboardSequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text, "utf8").toString("base64")}\u0007`;
}

function takes(program: string, flags: readonly string[], text: string): Promise<boolean> {
  return new Promise((resolve) => {
    // xclip keeps running until somebody pastes, and would hold an output of ours open. So it gets no output.
    const child = spawn(program, flags, { stdio: ["pipe", "ignore", "ignore"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    const end = (isTaken: boolean) => {
      clearTimeout(timer);
      resolve(isTaken);
    };
    child.on("error", () => end(false));
    child.on("exit", (code) => end(code === 0));
    // The tool may have ended without reading.
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });
}
