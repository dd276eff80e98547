/**
 * What the user can do once the tunnel runs: how to use the service through the forward, or how to tell programs about
 * the proxy.
 */
import type { ForwardSpec, Listen } from "../codec/words/forward-spec.ts";
import { quoteForShell } from "../codec/words/shell-words.ts";
import type { Plan } from "./plan.ts";
import { useOf } from "./services.ts";

export interface FirstUse {
  /** A heading that names the machine. */
  readonly where: string;
  readonly lines: readonly string[];
}

/** Undefined when porthop cannot know. `here` is the name of this machine. */
export function firstUse(plan: Plan, here: string): FirstUse | undefined {
  const { description, spec } = plan;
  const machine = description.via === "ssh" && spec.side === "server" ? description.host : here;
  const lines = linesFor(plan);
  if (lines.length === 0) return undefined;
  return { where: `Then, on ${machine}`, lines: [...lines, ...fromElsewhere(spec, machine)] };
}

/** A line for the users of other machines, when the forward is open to them. */
function fromElsewhere({ listen, connect }: ForwardSpec, machine: string): readonly string[] {
  if (listen === undefined || "path" in listen || listen.bind !== "*") return [];
  return [`from other machines: write ${machine} in place of ${connect === undefined ? "127.0.0.1" : "localhost"}`];
}

function linesFor({ spec, service }: Plan): readonly string[] {
  const { listen } = spec;
  if (listen === undefined) return [];
  if ("path" in listen) return [`docker -H ${quoteForShell(`unix://${listen.path}`)} ps`];
  if (spec.connect === undefined) return proxyUse(listen.port);
  if (service === undefined) return [`connect to localhost:${listen.port}`];
  const uses = useOf(service, servicePort(spec), { host: "localhost", port: listen.port });
  return uses.length === 0 ? [`connect to localhost:${listen.port}`] : uses;
}

function servicePort({ connect }: ForwardSpec): number {
  return connect === undefined || "path" in connect ? 0 : connect.port;
}

/** With socks5h, the far end looks names up. Chromium always does this, Firefox only when it is told to. */
function proxyUse(port: Exclude<Listen, { path: string }>["port"]): readonly string[] {
  const proxy = `127.0.0.1:${port}`;
  return [
    "Firefox: Settings, Network Settings, Manual proxy configuration:",
    `  SOCKS Host 127.0.0.1, Port ${port}, SOCKS v5,`,
    "  and tick Proxy DNS when using SOCKS v5",
    "Chromium, when no window of it is open:",
    `  chromium --proxy-server=socks5://${proxy}`,
    `curl -x socks5h://${proxy} https://example.org/`,
    `git -c http.proxy=socks5h://${proxy} clone https://...`,
  ];
}
