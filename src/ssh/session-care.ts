/**
 * What looks after a session by itself, from its login to its end: signs of life, new keys, small packets that would
 * wait.
 */
import type { Duplex } from "node:stream";
import type { RekeyLimit } from "../codec/config/rekey-limit.ts";
import type { CommandGate } from "./channel/command-gate.ts";
import { KeepAlive, type KeepAliveSettings } from "./keep-alive.ts";
import type { LoginNeeds } from "./login/auth-record.ts";
import type { Negotiated } from "./login.ts";
import { answerSmallReads, needsNagleCure } from "./nagle-cure.ts";
import { renewKeys } from "./rekeying.ts";
import { Unanswered } from "./ssh-failure.ts";
import type { Ports } from "./ssh2/ports.ts";
import { Traffic } from "./traffic.ts";
import type { HeardOutgoing } from "./transport.ts";
import type { Answers } from "./unsent-answers.ts";

/** What listens to the server from its first byte on. */
export interface Attached {
  readonly id: string;
  readonly ports: Ports;
  readonly stream: Duplex;
  readonly outgoing: HeardOutgoing;
  readonly gate: CommandGate;
  readonly answers: Answers;
  readonly warn: (text: string) => void;
}

/** What begins with the session. */
export interface Begun extends Attached {
  readonly traffic: Traffic;
  readonly alive: KeepAlive;
  readonly needs: LoginNeeds;
}

export interface CareSettings extends KeepAliveSettings {
  /** RekeyLimit. Undefined for what the cipher allows. */
  readonly rekey?: RekeyLimit | undefined;
}

/** Call this when the login has succeeded, before the bytes that follow are read. */
export function tendSession(
  { ports, stream, outgoing }: Pick<Attached, "ports" | "stream" | "outgoing">,
  settings: CareSettings,
  { cipher, serverSoftware }: Pick<Negotiated, "cipher" | "serverSoftware">,
): Pick<Begun, "traffic" | "alive"> {
  const traffic = new Traffic(stream, outgoing);
  const giveUp = () => {
    ports.client.emit("error", new Unanswered("no sign of life from the server"));
    // A goodbye would wait for the same server.
    stream.destroy();
  };
  if (surelyAnswers.test(serverSoftware)) {
    // Now nothing else is on its way, so the answer tells the true round trip. It rejects when the session ends before.
    ports.ping().catch(() => {});
  }
  const alive = new KeepAlive(settings, { ports, traffic, outgoing, giveUp });
  ports.client.on("close", () => alive.stop());
  renewKeys(ports, stream, outgoing, settings.rekey, cipher);
  if (needsNagleCure(serverSoftware)) answerSmallReads(ports, stream, outgoing);
  return { traffic, alive };
}

/**
 * Servers that are known to answer a request that they do not know (RFC 4254, section 4). One that does not would leave
 * every later answer to the wrong request. With these others, the round trip is that of the first channel.
 */
const surelyAnswers = /^(OpenSSH|dropbear)_/;
