/**
 * The test kit for plugins: a made-up tunnel, whose flows go through the real chain without a network. A test gives
 * arrays of chunks and gets arrays of chunks, and can look at all log lines and events. plugins/README.md shows how to
 * use the kit.
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

/** One connection that the test sends through the tunnel. Every field may be left out. */
export interface MadeUpFlow {
  /** What the origin sends. Then the origin ends its half. */
  readonly up?: Said;
  /** What the target sends. Then the target ends its half. */
  readonly down?: Said;
  readonly origin?: Address;
  /** The target that the connection asks for. */
  readonly target?: Address;
  readonly forward?: ForwardInfo;
  /** The target refuses the connection. */
  readonly refuses?: true;
  /** This end breaks the connection after its last chunk, in place of a clean end. */
  readonly breaks?: "origin" | "target";
}

/** What became of the connection. */
export interface PlayedFlow {
  /** What the target got. */
  readonly up: readonly Chunk[];
  /** What the origin got. */
  readonly down: readonly Chunk[];
  /** The address that was dialed. Undefined when nothing was dialed. */
  readonly dialed: Address | undefined;
  readonly labels: ReadonlyMap<string, string>;
  /** The flow's `flow.close` event: `reason`, `by`, `error`, bytes. */
  readonly close: FlowClose;
}

type FlowClose = Extract<TunnelEvent, { event: "flow.close" }>;

/** Call these methods to make something happen on the connection of a session. */
export type MadeUpSession = Required<Omit<Watcher, "opened" | "refused">>;

/** Facts of the tunnel that a plugin can see. Every field may be left out. */
export interface MadeUpFacts {
  /** The value of `Host.sessions`. */
  readonly sessions?: readonly string[];
  /** The value of `Host.strands`. */
  readonly strands?: number;
  readonly version?: string;
}

/**
 * Sets a plugin up as porthop does. `exported` is what the plugin's file exports: a plugin, or a function that is
 * handed the toolkit. `options` are texts as a user writes them. Rejects with the error that the user would read.
 */
export async function setUp(
  exported: unknown,
  options: Readonly<Record<string, string>> = {},
  facts: MadeUpFacts = {},
): Promise<MadeUpTunnel> {
  const plugin = pluginOf(await withToolkit(exported), "the plugin under test");
  return MadeUpTunnel.open(preparedPlugin(plugin, new Map(Object.entries(options))), facts);
}

/** The bytes of the chunks as text. Bytes that are not valid UTF-8 become U+FFFD. */
export function textOf(chunks: readonly Chunk[]): string {
  return Buffer.concat(chunks).toString("utf8");
}

export class MadeUpTunnel {
  /** All log lines. Each begins with its level and the plugin's name: `info hello: hello, L1#1`. */
  readonly lines: string[] = [];
  /** All events so far, in the order in which they happened. */
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
    { version = "0.0.0", sessions = ["vishnu"], strands }: MadeUpFacts,
  ): Promise<MadeUpTunnel> {
    const tunnel = new MadeUpTunnel(plugin.name);
    const telling: Telling = { bus: tunnel.#bus, loggerFor: (name) => tunnel.#loggerFor(name), trace: undefined };
    const chain = await Chain.setUp([tunnel.#labelKeeper(), plugin], telling, { version, sessions, strands });
    tunnel.#chain = chain;
    tunnel.#flows = new Flows(chain, telling);
    return tunnel;
  }

  /**
   * Plays one flow. Resolves when the flow is over, whether it ended, was refused or was aborted. Several flows may be
   * played at once.
   */
  async play(flow: MadeUpFlow = {}): Promise<PlayedFlow> {
    const { target = madeUpTarget, forward = madeUpForward, breaks } = flow;
    const near = new MadeUpEnd(flow.up ?? [], breaks === "origin" ? broken(1) : undefined);
    const far = new MadeUpEnd(flow.down ?? [], breaks === "target" ? broken(3) : undefined);
    let dialed: Address | undefined;
    // A new object for each flow: `#closeOf` recognises the flow's events by this object.
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

  /** Makes an event happen in the tunnel. Plugins that asked with `host.on` hear the event. */
  tell(event: TunnelEvent): void {
    this.#bus.publish(event);
  }

  /** Gives a line of a session's key log to plugins that asked with `host.keys`. */
  tellKeys(line: string, session = "S1"): void {
    this.#bus.publish({ event: "keys", session, line });
  }

  /**
   * Makes a session begin: functions of `host.onSession` are called. Returns methods to make something happen on its
   * connection.
   */
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

  /** Changes options that have `live`, as a user would. Throws the error that the user would read. */
  changeOptions(options: Readonly<Record<string, string>>): void {
    this.#chain?.changeOptions(this.#plugin, new Map(Object.entries(options)));
  }

  /** Makes porthop stop: runs what the plugin registered with `host.onDispose`. */
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

  /** A plugin of the kit, first in the chain. It keeps each flow's labels for `play`, and changes nothing. */
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
    const say = (level: string) => (text: string) => void this.lines.push(`${level} ${plugin}: ${text}`);
    return { error: say("error"), warn: say("warn"), info: say("info"), debug: say("debug"), shows: () => true };
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
  strand: 1,
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
