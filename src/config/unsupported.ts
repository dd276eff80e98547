/**
 * Checks whether porthop can do what a description says: the strict half of reading a command line. `explain`, and
 * `command` for other programs, go without these checks, because ssh may be able to do more.
 */
import { Malformed } from "../codec/malformed.ts";
import { PorthopError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { visible } from "../text/terminal-text.ts";
import { hasFlag, keywordText, type Relay, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { findKeyword, type Keywords, keywords as known } from "./file/keyword.ts";
import { isMissing } from "./run-flags.ts";

/** Throws a Malformed that names the first flag or keyword that porthop does not have. */
export function refuseUnsupported({ flags, keywords }: Pick<SshTunnel | Relay, "flags" | "keywords">): void {
  const missing = flags.find(({ letter }) => isMissing(letter));
  if (missing !== undefined) {
    const written = `-${missing.letter}${missing.value === undefined ? "" : ` ${missing.value}`}`;
    throw new Malformed(`porthop does not have ssh's flag -${missing.letter} yet (${visible(written, 100)})`);
  }
  const unknown = keywords.find(({ name }) => findKeyword(name) === undefined);
  if (unknown !== undefined) {
    const hint = didYouMean(unknown.name, Object.keys(known));
    throw new Malformed(`-o ${visible(unknown.name, 80)}: porthop does not have this keyword${hint}`);
  }
  refuseSubsystem(keywordText({ keywords }, "SessionType"));
}

/** The same for the words together with what the configuration files add. */
export function refuseImpossible({ remote, forwards, flags }: SshTunnel, keywords: Keywords): void {
  const sessionType = keywords.text("SessionType");
  refuseSubsystem(sessionType);
  if (remote.kind === "command" && sessionType?.toLowerCase() === "none") {
    const place = visible(keywords.placeOf("SessionType"), 200);
    throw new Malformed(
      `${place}SessionType none is for no command, and there is one: ${visible(remote.words.join(" "), 100)}`,
    );
  }
  if (hasFlag({ flags }, "f") && forwards.some(({ kind }) => kind === "stdio")) {
    throw new Malformed("-f and -W: a program in the background has no stdin");
  }
}

/** Throws a usage error when there is nothing to forward and nothing to run. */
export function refuseIdle({
  forwards,
  remote,
}: {
  readonly forwards: readonly unknown[];
  readonly remote: unknown;
}): void {
  if (forwards.length > 0 || remote !== undefined) return;
  throw new PorthopError("usage", "nothing to forward and nothing to run: -L is missing, or a command", {
    hint: "for example: porthop run -L 8080:localhost:80 user@server",
  });
}

function refuseSubsystem(sessionType: string | undefined): void {
  if (sessionType?.toLowerCase() !== "subsystem") return;
  throw new Malformed("SessionType=subsystem: porthop runs commands only");
}
