/**
 * The test kit for plugins: a made-up tunnel, whose flows go through the real chain with no network behind them. Arrays go
 * in, arrays come out, and what was logged and told is there to look at. plugins/README.md shows it in use.
 */
import type { Address } from "./codec/address.ts";
import { PorthopError } from "./errors.ts";
import { Bus } from "./flow/bus.ts";
import { Chain, type PreparedPlugin } from "./flow/chain.ts";
import { LiveLeg } from "./flow/leg.ts";
import type { Telling } from "./flow/telling.ts";
import { Flows } from "./forward/flows.ts";
import { pluginOf, preparedPlugin, withToolkit } from "./forward/plan/prepared-plugin.ts";
import type { Chunk, ForwardInfo, Logger, TunnelEvent, Watcher, Wire } from "./plugin.ts";
import { MadeUpEnd, type Said } from "./plugin-kit/made-up-end.ts";

/** One connection through the tunnel. */
export interface MadeUpFlow {
  /** What the origin says, then it ends. */
  readonly up?: Said;
  /** What the target says, then it ends. */
  readonly down?: Said;
  readonly origin?: Address;
  /** Who is asked for. */
  readonly target?: Address;
  readonly forward?: ForwardInfo;
  /** The target refuses the connection. */
  readonly refuses?: true;
  /** That end breaks the connection, in place of its end. */
  readonly breaks?: "origin" | "target";
}

/** How it went. */
export interface PlayedFlow {
  /** What the target got. */
  readonly up: readonly Chunk[];
  /** What the origin got. */
  readonly down: readonly Chunk[];
  /** Who was dialed; undefined when nobody was. */
  readonly dialed: Address | undefined;
  readonly labels: ReadonlyMap<string, string>;
  /** How it ended, as `flow.close` tells it: `reason`, `by`, `error`, bytes. */
  readonly close: FlowClose;
}

type FlowClose = Extract<TunnelEvent, { event: "flow.close" }>;

/** What can happen on the connection of a session. */
export type MadeUpSession = Required<Omit<Watcher, "opened" | "refused">>;

/** What the tunnel is like; all of it may be left out. */
export interface MadeUpFacts {
  /** The hosts that sessions go to: `Host.sessions`. */
  readonly sessions?: readonly string[];
  readonly version?: string;
}

/**
 * Sets a plugin up as porthop does, from what its file exports (a plugin, or a function that is handed the toolkit) and from
 * options as a user writes them. Rejects with the error that the user would read.
 */
export async function setUp(
  exported: unknown,
  options: Readonly<Record<string, string>> = {},
  facts: MadeUpFacts = {},
): Promise<MadeUpTunnel> {
  const plugin = pluginOf(await withToolkit(exported), "the plugin under test");
  return MadeUpTunnel.open(preparedPlugin(plugin, new Map(Object.entries(options))), facts);
}

/** What was said, as text: bytes that make no UTF-8 are shown as such. */
export function textOf(chunks: readonly Chunk[]): string {
  return Buffer.concat(chunks).toString("utf8");
}

export class MadeUpTunnel {
  /** What was logged, each line behind its level and who said it: `info hello: hello, L1#1`. */
  readonly lines: string[] = [];
  /** All that was told, in the order in which it happened. */
  readonly events: TunnelEvent[] = [];
  readonly #plugin: string;
  readonly #bus = new Bus();
  readonly #labels = new Map<string, ReadonlyMap<string, string>>();
  #chain: Chain | undefined;
  #flows: Flows | undefined;

  private constructor(plugin: string) {
    this.#plugin = plugin;
    this.#bus.onPublic((event) => void this.events.push(event));
  }

  static async open(
    plugin: PreparedPlugin,
    { version = "0.0.0", sessions = ["vishnu"] }: MadeUpFacts,
  ): Promise<MadeUpTunnel> {
    const tunnel = new MadeUpTunnel(plugin.name);
    const telling: Telling = { bus: tunnel.#bus, loggerFor: (name) => tunnel.#loggerFor(name), trace: undefined };
    const chain = await Chain.setUp([tunnel.#labelKeeper(), plugin], telling, { version, sessions });
    tunnel.#chain = chain;
    tunnel.#flows = new Flows(chain, telling);
    return tunnel;
  }

  /** Resolves when the flow is over, however it went. Flows may be played at the same time. */
  async play(flow: MadeUpFlow = {}): Promise<PlayedFlow> {
    const { target = madeUpTarget, forward = madeUpForward, breaks } = flow;
    const near = new MadeUpEnd(flow.up ?? [], breaks === "origin" ? broken(1) : undefined);
    const far = new MadeUpEnd(flow.down ?? [], breaks === "target" ? broken(3) : undefined);
    let dialed: Address | undefined;
    // An object of its own, by which the events of this flow are known.
    const origin = { ...(flow.origin ?? madeUpOrigin) };
    const over = this.#closeOf(origin);
    this.#flows?.accept(
      forward,
      {
        targetOf: (inbound) => ({ inbound, target }),
        dialer: {
          async dial(asked) {
            dialed = asked;
            if (flow.refuses) throw refused();
            return { conn: far, leg: { from: undefined, to: asked, observed: false } };
          },
        },
      },
      {
        origin,
        leg: { from: origin, to: forward.listen, observed: true },
        accept: () => Promise.resolve(near),
        refuse: (error) => near.abort(error),
      },
    );
    const close = await over;
    const labels = this.#labels.get(close.flow) ?? new Map();
    return { up: far.heard, down: near.heard, dialed, labels, close };
  }

  /** Something happens in the tunnel: whoever asked with `host.on` hears of it. */
  tell(event: TunnelEvent): void {
    this.#bus.publish(event);
  }

  /** A line of the key log of a session, for `host.keys`. */
  tellKeys(line: string, session = "S1"): void {
    this.#bus.publish({ event: "keys", session, line });
  }

  /** A session's connection stands, for `host.onSession`. Returns what can happen on it. */
  startSession(facts: Partial<Omit<Wire, "watch">> = {}): MadeUpSession {
    const leg = new LiveLeg(2, (plugin, error) => this.#loggerFor(plugin).warn(`stopped watching: ${String(error)}`));
    const wire = { ...madeUpWire, ...facts };
    this.#bus.publish({
      event: "wire",
      viewFor: (plugin) => ({ ...wire, watch: (watcher) => leg.watch(plugin, watcher) }),
    });
    leg.opened();
    return leg;
  }

  /** Changes options that are live, as a user would. Throws the error that the user would read. */
  changeOptions(options: Readonly<Record<string, string>>): void {
    this.#chain?.changeOptions(this.#plugin, new Map(Object.entries(options)));
  }

  /** porthop stops: what the plugin registered with `host.onDispose` runs. */
  async dispose(): Promise<void> {
    await this.#chain?.dispose();
  }

  #closeOf(origin: Address): Promise<FlowClose> {
    return new Promise((resolve) => {
      const stop = this.#bus.on("flow.close", (event) => {
        if (event.origin !== origin) return;
        stop();
        resolve(event);
      });
    });
  }

  /** Stands before the plugin, and changes nothing. */
  #labelKeeper(): PreparedPlugin {
    return {
      name: "test kit",
      setup: () => (flow, next) => {
        this.#labels.set(flow.id, flow.labels);
        return next();
      },
    };
  }

  #loggerFor(plugin = "porthop"): Logger {
    const say = (level: keyof Logger) => (text: string) => void this.lines.push(`${level} ${plugin}: ${text}`);
    return { error: say("error"), warn: say("warn"), info: say("info"), debug: say("debug") };
  }
}

const madeUpOrigin: Address = { host: "127.0.0.1", port: 33_458 };
const madeUpTarget: Address = { host: "db.internal", port: 5432 };
const madeUpForward: ForwardInfo = {
  id: "L1",
  kind: "local",
  side: "here",
  listen: { host: "127.0.0.1", port: 3456 },
  connect: madeUpTarget,
};
const madeUpWire: Omit<Wire, "watch"> = {
  id: "S1",
  host: "vishnu",
  port: 22,
  hop: 1,
  from: { host: "10.0.0.1", port: 33_450 },
  to: { host: "10.0.0.2", port: 22 },
  observed: true,
};

function broken(leg: 1 | 3): PorthopError {
  return new PorthopError("target.unreachable", `the ${leg === 1 ? "origin" : "target"} broke the connection`, { leg });
}

function refused(): PorthopError {
  return new PorthopError("target.refused", "the target refused the connection", { leg: 3 });
}
