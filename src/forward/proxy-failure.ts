/**
 * What a failed dial means to the client of a proxy: porthop's errors in the few words that SOCKS and HTTP have for
 * them (cli.md, "SOCKS answers").
 */
import type { ProxyFailure } from "../codec/proxy/proxy-request.ts";
import type { ErrorCode, PorthopError } from "../errors.ts";
import { errnoOf } from "../io/socket-failure.ts";
import { openFailureOf } from "../ssh/ssh-failure.ts";

export function proxyFailure(error: PorthopError): ProxyFailure {
  const { reason, text } = openFailureOf(error) ?? { reason: undefined, text: "" };
  const errno = errnoOf(error.cause);
  if (reason === 3) return "unsupported";
  if (reason === 4 || errno === "EMFILE" || errno === "ENFILE") return "shortage";
  if (errno === "ETIMEDOUT" || (reason === 2 && /timed out/i.test(text))) return "timed-out";
  // A reason that RFC 4254 does not have says nothing.
  if (error.code === "target.prohibited" && reason !== undefined && reason !== 1) return "failed";
  return byCode[error.code] ?? "failed";
}

const byCode: Partial<Record<ErrorCode, ProxyFailure>> = {
  "target.prohibited": "prohibited",
  "target.refused": "refused",
  "target.unreachable": "unreachable",
  "host.not-found": "unreachable",
};
