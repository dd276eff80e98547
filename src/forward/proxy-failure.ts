/**
 * Turns porthop's error of a failed dial into one of the few failures that SOCKS and HTTP can tell a client of a proxy
 * (RFC 1928, section 6; RFC 9110, section 15).
 */
import type { ProxyFailure } from "../codec/proxy/proxy-request.ts";
import type { ErrorCode, PorthopError } from "../errors.ts";
import { errnoOf } from "../io/socket-failure.ts";
import { openFailureOf } from "../ssh/ssh-failure.ts";

export function proxyFailure(error: PorthopError): ProxyFailure {
  const { reason, text } = openFailureOf(error) ?? { reason: undefined, text: "" };
  const errno = errnoOf(error.cause);
  if (isOutage(error)) return "unavailable";
  if (reason === 3) return "unsupported";
  if (reason === 4 || errno === "EMFILE" || errno === "ENFILE") return "shortage";
  if (errno === "ETIMEDOUT" || (reason === 2 && /timed out/i.test(text))) return "timed-out";
  // RFC 4254 (section 5.1) has the reasons 1 to 4. Another reason says nothing about the cause.
  if (error.code === "target.prohibited" && reason !== undefined && reason !== 1) return "failed";
  return byCode[error.code] ?? "failed";
}

/** No session stands: the proxy itself has no way to any target now, and will have one again. */
function isOutage({ code }: PorthopError): boolean {
  return code === "ssh.unreachable" || code === "ssh.lost";
}

const byCode: Partial<Record<ErrorCode, ProxyFailure>> = {
  "target.prohibited": "prohibited",
  "target.refused": "refused",
  "target.unreachable": "unreachable",
  "host.not-found": "unreachable",
};
