/**
 * The chain: plugins are set up in order before anything listens, run as an onion around each flow, and are disposed in
 * reverse order. Promises 5, 6 and 8: a plugin that fails ends only its own flow and is named, `next()` runs once, and
 * plugin instances outlive the sessions.
 */
import { type ErrorCode, PorthopError } from "../errors.ts";
import type { Flow, Host, Middleware, TunnelEvent, Wire } from "../plugin.ts";
import { messageOf } from "../text/error-message.ts";
import { quoted } from "../text/terminal-text.ts";
import { publicEvents, type StopHearing } from "./bus.ts";
import type { EventName, EventNamed } from "./event.ts";
import { type ReadOptions, RunningOptions } from "./running-options.ts";
import type { Telling } from "./telling.ts";

/** A plugin with its options read and checked, ready to be set up. */
export interface PreparedPlugin {
  readonly name: string;
  /** The options, for changes while the plugin runs. Undefined when the plugin has no options. */
  readonly options?: ReadOptions | undefined;
  setup(host: Host): Middleware | Promise<Middleware>;
}

/** Facts that plugins can read from the start. */
export interface ChainFacts {
  readonly version: string;
  /** The hosts of the sessions, in the order in which they are reached. None when left out. */
  readonly sessions?: readonly string[];
  /** How many sessions share the work; 1 when left out. */
  readonly strands?: number | undefined;
}

interface Link {
  readonly plugin: string;
  /** The plugin's name, such as `limit`. A second plugin with this name is `limit.2`. */
  readonly id: string;
  readonly options: RunningOptions;
  readonly middleware: Middleware;
}

interface Disposer {
  readonly plugin: string;
  readonly run: () => void | Promise<void>;
}

export class Chain {
  readonly #links: Link[] = [];
  readonly #disposers: Disposer[] = [];
  readonly #onSession: { readonly plugin: string; readonly fn: (wire: Wire) => void }[] = [];
  readonly #hearing: StopHearing[] = [];
  readonly #stopped = new AbortController();
  /** The legs whose true addresses a plugin wants the server to be asked for. */
  readonly locates = new Set<1 | 3>();
  readonly #telling: Telling;
  readonly #facts: ChainFacts;

  private constructor(telling: Telling, facts: ChainFacts) {
    this.#telling = telling;
    this.#facts = facts;
    this.#hearing.push(telling.bus.on("wire", (event) => this.#sessionStarted(event)));
  }

  /** Sets the plugins up one after the other. When one fails, the plugins before are disposed. */
  static async setUp(plugins: readonly PreparedPlugin[], telling: Telling, facts: ChainFacts): Promise<Chain> {
    const chain = new Chain(telling, facts);
    for (const plugin of plugins) {
      try {
        await chain.#add(plugin);
      } catch (error) {
        await chain.dispose();
        if (error instanceof PorthopError) throw error;
        throw new PorthopError("plugin.failed", `plugin ${plugin.name} could not be set up: ${messageOf(error)}`, {
          hint: "check the plugin's options, and what its setup function does",
          cause: error,
        });
      }
    }
    return chain;
  }

  /**
   * Changes options of a running plugin: all of these or none. `id` is the plugin's name; the second plugin of one name
   * has `.2` behind it. Throws a PorthopError that says why the options could not be changed.
   */
  changeOptions(id: string, texts: ReadonlyMap<string, string>): void {
    const link = this.#links.find((each) => each.id === id);
    if (link === undefined) {
      const known = this.#links.map((each) => each.id).join(", ");
      throw new PorthopError("plugin.not-found", `there is no plugin ${quoted(id)} in this tunnel`, {
        hint: known === "" ? "it runs without plugins" : `it runs with ${known}`,
      });
    }
    link.options.change(texts);
  }

  /** Runs one flow through all middlewares. When the last middleware calls `next`, `carry` runs. */
  async run(viewFor: (plugin: string) => Flow, carry: () => Promise<void>): Promise<void> {
    const enter = async (index: number): Promise<void> => {
      const link = this.#links[index];
      if (link === undefined) return carry();
      let entered = false;
      let left = false;
      let inner: Promise<void> | undefined;
      const next = (): Promise<void> => {
        if (left) return tooLate();
        if (entered) throw new Error("next() was called twice");
        entered = true;
        inner = enter(index + 1);
        // `inner` is awaited below in any case. When the middleware throws first, this line keeps a rejection of
        // `inner` from counting as unhandled.
        inner.catch(() => {});
        return inner;
      };
      try {
        await link.middleware(viewFor(link.plugin), next);
      } catch (error) {
        // A middleware may rethrow an error from further inside. That error keeps the name of its own plugin.
        throw asPluginError(link.plugin, error);
      } finally {
        left = true;
      }
      if (inner === undefined) throw refusal(link.plugin, "it did not let the flow pass");
      // A middleware that forgot to await next() must not end the flow early.
      await inner;
    };
    await enter(0);
  }

  async dispose(): Promise<void> {
    this.#stopped.abort();
    for (const stop of this.#hearing.splice(0)) stop();
    for (const { plugin, run } of this.#disposers.splice(0).reverse()) {
      try {
        await run();
      } catch (error) {
        this.#telling.loggerFor(plugin).warn(`did not close cleanly: ${messageOf(error)}`);
      }
    }
  }

  async #add(plugin: PreparedPlugin): Promise<void> {
    const { name } = plugin;
    const options = new RunningOptions(name, plugin.options, (text) => this.#telling.loggerFor(name).warn(text));
    const middleware = await plugin.setup(this.#hostFor(name, options));
    if (typeof middleware !== "function") throw new Error("its setup returned no middleware");
    const place = 1 + this.#links.filter((link) => link.plugin === name).length;
    this.#links.push({ plugin: name, id: place === 1 ? name : `${name}.${place}`, options, middleware });
  }

  #sessionStarted({ viewFor }: EventNamed<"wire">): void {
    for (const { plugin, fn } of this.#onSession) {
      try {
        fn(viewFor(plugin));
      } catch (error) {
        this.#telling.loggerFor(plugin).warn(`cannot follow this session: ${messageOf(error)}`);
      }
    }
  }

  #hearPublic<N extends TunnelEvent["event"]>(plugin: string, name: N, fn: (event: EventNamed<N>) => unknown): void {
    if (!publicEvents.includes(name)) throw new Error(`there is no event ${name}, only ${publicEvents.join(", ")}`);
    this.#hear(plugin, name, fn);
  }

  /**
   * Calls an observer. As a tap, it is dropped when it throws. It is dropped too when it rejects, because an unhandled
   * rejection would end the whole process.
   */
  #hear<N extends EventName>(plugin: string, name: N, fn: (event: EventNamed<N>) => unknown): void {
    if (this.#stopped.signal.aborted) return;
    let isDropped = false;
    const drop = (error: unknown) => {
      if (isDropped) return;
      isDropped = true;
      stop();
      this.#telling.loggerFor(plugin).warn(`stopped hearing ${name}: ${messageOf(error)}`);
    };
    const stop = this.#telling.bus.on(name, (event) => {
      try {
        const heard = fn(event);
        if (heard instanceof Promise) heard.catch(drop);
      } catch (error) {
        drop(error);
      }
    });
    this.#hearing.push(stop);
  }

  #hostFor(plugin: string, options: RunningOptions): Host {
    return {
      version: this.#facts.version,
      log: this.#telling.loggerFor(plugin),
      signal: this.#stopped.signal,
      sessions: this.#facts.sessions ?? [],
      strands: this.#facts.strands ?? 1,
      onSession: (fn) => void this.#onSession.push({ plugin, fn }),
      on: (name, fn) => this.#hearPublic(plugin, name, fn),
      onOptions: (fn) => options.hear(fn),
      keys: (fn) => this.#hear(plugin, "keys", ({ line, session }) => fn(line, session)),
      locateTargets: (legs = [3]) => {
        for (const leg of legs) this.locates.add(leg);
      },
      onDispose: (run) => void this.#disposers.push({ plugin, run }),
      fail: (code: ErrorCode, message: string, hint?: string): never => {
        throw new PorthopError(code, message, { hint });
      },
    };
  }
}

/** Turns what a plugin threw into an error that names the plugin. A PorthopError passes unchanged. */
export function asPluginError(plugin: string, error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("plugin.failed", `plugin ${plugin} failed on this flow: ${messageOf(error)}`, {
    by: `plugin:${plugin}`,
    cause: error,
  });
}

/** The error of a plugin that refuses a flow before the target is dialed. */
export function refusal(plugin: string, reason: string): PorthopError {
  return new PorthopError("target.prohibited", `plugin ${plugin} refused this flow: ${reason}`, decided(plugin));
}

/** The error of a plugin that ends a flow, at any time. Nothing failed, so the code is `cancelled`. */
export function decision(plugin: string, reason: string): PorthopError {
  return new PorthopError("cancelled", `plugin ${plugin} ended this flow: ${reason}`, decided(plugin));
}

function decided(plugin: string) {
  return {
    by: `plugin:${plugin}`,
    hint: `it was the plugin's decision; see its options with: porthop plugins ${plugin}`,
  } as const;
}

/** For a late call of `next`: the flow was refused or is over, and its target must not be dialed any more. */
function tooLate(): Promise<never> {
  const late = Promise.reject(new Error("next() was called after its middleware had returned"));
  // The late caller seldom catches this rejection. Unhandled, the rejection would end the whole process.
  late.catch(() => {});
  return late;
}
