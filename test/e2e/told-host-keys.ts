/** Provocations of every refusal of a host key that needs no certificate (those: certificates.test.ts). */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../kit/launch.ts";
import { pty } from "../kit/pty.ts";
import { freePort } from "../kit/servers.ts";
import { type Sshd, type SshdOptions, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { failing, type Provocation } from "./told.ts";

export const hostKeys: Readonly<Record<string, Provocation>> = {
  "a host key that is not known": async () => {
    const told = ["yes", "ask"].map((strict) => meeting("", `StrictHostKeyChecking=${strict}`));
    return (await Promise.all(told)).join("\n");
  },
  "one that a person does not accept": () =>
    withKnown("", {}, async (args, { host }) => {
      const words = ["run", "-L", `${await freePort()}:localhost:1`, "-o", "BatchMode=no", ...args, host];
      const { command, env, cwd } = launch(words);
      await using screen = pty(command, { env, cwd, columns: 400 });
      await screen.screen(/Are you sure/);
      screen.send("no\r");
      await screen.exit;
      return /porthop: (.*not known.*)/.exec(screen.text)?.[1] ?? "";
    }),
  "one that has changed": async () => {
    await using other = await startSshd();
    return await meeting(`* ${other.hostKeys[0]}\n`);
  },
  "one that is too short": () =>
    withKnown("", { hostKeys: ["rsa"] }, (args, { host }) => failing("-o", "RequiredRSASize=8000", ...args, host)),
  "known hosts that cannot be read, and that cannot be added to": () =>
    withKnown("", {}, async (args, { host, directory }) => {
      const folder = join(directory, "folder");
      mkdirSync(folder);
      const settings = [`UserKnownHostsFile=${folder}`, "StrictHostKeyChecking=accept-new", "PubkeyAuthentication=no"];
      return await failing(...settings.flatMap((setting) => ["-o", setting]), ...args, host);
    }),
  "one that is added": () => meeting("", "StrictHostKeyChecking=accept-new", "PubkeyAuthentication=no"),
};

type Use = (args: readonly string[], sshd: Sshd) => Promise<string>;

/** What is told of a server when known_hosts has this text. */
function meeting(known: string, ...settings: string[]): Promise<string> {
  return withKnown(known, {}, (args, { host }) =>
    failing(...settings.flatMap((setting) => ["-o", setting]), ...args, host),
  );
}

async function withKnown(known: string, options: SshdOptions, use: Use): Promise<string> {
  await using sshd = await startSshd(options);
  const folder = tempDirectory("told");
  try {
    const file = join(folder, "known_hosts");
    writeFileSync(file, known);
    return await use(["-o", `UserKnownHostsFile=${file}`, "-o", "StrictHostKeyChecking=ask", ...sshd.sshArgs], sshd);
  } finally {
    removeTemp(folder);
  }
}
