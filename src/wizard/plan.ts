/** The result of the questions: the description of the tunnel or relay, and what is known about its service. */

import type { Destination } from "../codec/words/destination.ts";
import type { ForwardSpec } from "../codec/words/forward-spec.ts";
import { porthopWords } from "../tunnel/porthop-command.ts";
import {
  type Extra,
  type KeywordLine,
  plainTunnel,
  type SshFlag,
  type TunnelDescription,
} from "../tunnel/tunnel-description.ts";

export interface Plan {
  readonly description: TunnelDescription;
  readonly spec: ForwardSpec;
  /** The service's name in services.ts; undefined for a proxy. */
  readonly service: string | undefined;
}

/** What the user wants besides the forward. */
export interface Wishes {
  readonly capture?: string;
  readonly rate?: string;
  readonly compress?: boolean;
  readonly background?: boolean;
  readonly jumps?: readonly Destination[];
}

export function tunnelPlan(server: Destination, spec: ForwardSpec, service: string | undefined, wishes: Wishes): Plan {
  const description: TunnelDescription = {
    ...plainTunnel(server.host, [spec]),
    user: server.user,
    port: server.port,
    jumps: wishes.jumps,
    flags: flags(wishes),
    keywords: keywords(spec),
    remote: { kind: "none", implied: false },
    extras: extras(wishes),
  };
  return { description, spec, service };
}

export function relayPlan(spec: ForwardSpec, wishes: Wishes): Plan {
  const description: TunnelDescription = {
    via: "nothing",
    forwards: [spec],
    flags: flags({ ...wishes, compress: false }),
    keywords: [],
    extras: extras(wishes),
  };
  return { description, spec, service: undefined };
}

/**
 * The words of porthop's command line. ExitOnForwardFailure is left out, because porthop always ends when a forward
 * cannot be set up.
 */
export function ownWords({ description }: Plan): readonly string[] {
  const isSaid = ({ name }: KeywordLine) => name !== "ExitOnForwardFailure";
  return porthopWords({ ...description, keywords: description.keywords.filter(isSaid) });
}

function flags({ compress, background }: Wishes): readonly SshFlag[] {
  return [
    ...(compress ? [{ letter: "C", value: undefined }] : []),
    ...(background ? [{ letter: "f", value: undefined }] : []),
  ];
}

/** Without these, ssh would go on without the forward, and would fail at a socket file that an earlier run has left. */
function keywords({ listen }: ForwardSpec): readonly KeywordLine[] {
  const isFile = listen !== undefined && "path" in listen;
  return [
    { name: "ExitOnForwardFailure", value: "yes" },
    ...(isFile ? [{ name: "StreamLocalBindUnlink", value: "yes" }] : []),
  ];
}

function extras({ capture, rate }: Wishes): readonly Extra[] {
  return [
    ...(rate === undefined ? [] : [{ name: "rate-limit", value: rate }]),
    ...(capture === undefined ? [] : [{ name: "capture", value: capture }]),
  ];
}
