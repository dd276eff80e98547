/**
 * Shows all of porthop on one machine with nothing else installed: an sshd and a web server in this process, a real
 * forward through the sshd to the web server, and one request through the forward. The request is captured, and
 * explained with the real ports.
 */
import { mkdtempSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaults } from "../config/defaults.ts";
import { PorthopError } from "../errors.ts";
import type { PreparedPlugin } from "../flow/chain.ts";
import type { Telling } from "../flow/telling.ts";
import { preparePlugin } from "../forward/plan/plugin-list.ts";
import { Tunnel, type TunnelPlan } from "../forward/tunnel.ts";
import type { Address, Flow, Leg } from "../plugin.ts";
import { type DemoServer, startDemoServer } from "../ssh/demo-server.ts";
import { loadSsh2 } from "../ssh/loader.ts";
import { type ExplainedLeg, explainFlow } from "./demo-text.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

export interface DemoOptions {
  readonly version: string;
  readonly telling: Telling;
  /** The path of the capture file; a file in a new temporary folder when left out. */
  readonly capture: string | undefined;
  /** Shows one line to the user. */
  readonly show: (line: string) => void;
}

/**
 * The port that the demo tries first, because the number is
 * easy to recognize. When it is in use, the system chooses one.
 */
const likedPort = 3456;

export class Demo {
  readonly #options: DemoOptions;
  readonly #capture: string;
  #web: WebServer | undefined;
  #sshd: DemoServer | undefined;
  #tunnel: Tunnel | undefined;

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#capture = options.capture ?? join(mkdtempSync(join(tmpdir(), "porthop-demo-")), "demo.pcapng");
  }

  /**
   * Starts everything, sends one request through the forward, and explains the flow. Returns the URL of the forward.
   */
  async play(signal: AbortSignal): Promise<string> {
    const web = await startWebServer();
    this.#web = web;
    const sshd = await startDemoServer(await loadSsh2(), { host: "127.0.0.1", port: web.port });
    this.#sshd = sshd;
    const seen: Seen[] = [];
    const port = await this.#listen(web, sshd, seen, signal);
    const { show } = this.#options;
    show("porthop demo: a web server, an sshd and a forward, all in this process.");
    show("");
    const url = `http://127.0.0.1:${port}/`;
    const { status, body } = await request(url, signal);
    show(`${url} was answered by the web server on port ${web.port}:`);
    show(`  ${status} ${JSON.stringify(body)}`);
    show("");
    const flow = await seen[0]?.complete;
    if (flow === undefined) throw new PorthopError("internal", "the demo's request left no flow");
    const words = `-L ${port}:127.0.0.1:${web.port} -p ${sshd.port} ${sshd.user}@127.0.0.1`;
    const loopback = process.platform === "linux" ? "lo" : "lo0";
    for (const line of explainFlow({ words, loopback, ...flow })) show(line);
    show("");
    return url;
  }

  /** Ends everything, which completes the capture file. Returns the path of the capture file. */
  async end(graceMs: number, hurry: AbortSignal): Promise<string> {
    await this.#tunnel?.stop(graceMs, hurry);
    this.#sshd?.close();
    this.#web?.close();
    return this.#capture;
  }

  async #listen(web: WebServer, sshd: DemoServer, seen: Seen[], signal: AbortSignal): Promise<number> {
    const { telling, version } = this.#options;
    for (const port of [likedPort, 0]) {
      const plan = await demoPlan(web, sshd, port, [await this.#capturePlugin(), watching(seen)]);
      let listening = 0;
      const stop = telling.bus.on("listening", ({ listen }) => {
        if ("port" in listen) listening = listen.port;
      });
      const tunnel = new Tunnel(plan, telling, version);
      this.#tunnel = tunnel;
      try {
        await tunnel.start(signal);
        return listening;
      } catch (error) {
        await tunnel.stop(0, signal);
        const isTaken = error instanceof PorthopError && error.code === "listen.in-use";
        if (!isTaken || port === 0) throw error;
      } finally {
        stop();
      }
    }
    throw new PorthopError("listen.in-use", "the demo found no free port");
  }

  #capturePlugin(): Promise<PreparedPlugin> {
    return preparePlugin({ name: "capture", isFile: false, options: new Map([["file", this.#capture]]) });
  }
}

/** A flow to explain. `complete` resolves when the flow has ended and the addresses of its legs are known. */
interface Seen {
  readonly complete: Promise<{
    readonly legs: readonly [ExplainedLeg, ExplainedLeg, ExplainedLeg];
    readonly up: number;
    readonly down: number;
  }>;
}

function watching(seen: Seen[]): PreparedPlugin {
  return {
    name: "demo",
    setup(host) {
      host.locateTargets();
      return async (flow, next) => {
        const located = new Promise<void>((resolve) => {
          flow.legs[2].watch({ opened: () => void flow.legs[2].locate().then(resolve) });
        });
        const carried = next();
        const complete = Promise.all([located, carried]).then(() => told(flow));
        // The demo waits for the first flow only: the tunnel itself reports a failure of another flow.
        complete.catch(() => {});
        seen.push({ complete });
        await carried;
      };
    },
  };
}

function told(flow: Flow) {
  const [one, two, three] = flow.legs;
  const nowhere: Address = { host: "?", port: 0 };
  const leg = (each: Leg): ExplainedLeg => ({ leg: each.number, from: each.from ?? nowhere, to: each.to ?? nowhere });
  return { legs: [leg(one), leg(two), leg(three)] as const, up: flow.up.bytes, down: flow.down.bytes };
}

async function demoPlan(
  web: WebServer,
  sshd: DemoServer,
  port: number,
  plugins: readonly PreparedPlugin[],
): Promise<TunnelPlan> {
  const connect = { host: "127.0.0.1", port: web.port };
  const listen = { host: "127.0.0.1", port };
  let offered = false;
  return {
    session: {
      host: "127.0.0.1",
      port: sshd.port,
      user: sshd.user,
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      keepAliveIntervalMs: 0,
      keepAliveCountMax: 0,
      algorithms: {},
      mayAskServer: true,
    },
    trust: async () => ({
      hostKeyTypes: [],
      async verify(blob) {
        if (!blob.equals(sshd.hostKey)) throw new PorthopError("ssh.host-key-changed", "this is not the demo's sshd");
      },
      authHandler: (_methods, _partial, next) => {
        if (offered) return next(false as never);
        offered = true;
        next({ type: "publickey", username: sshd.user, key: sshd.privateKey });
      },
      attach() {},
      authFailure: () => new PorthopError("ssh.auth-failed", "the demo's sshd refused the demo's key"),
    }),
    forwards: [
      {
        id: "L1",
        kind: "local",
        side: "here",
        listen,
        connect,
        spec: { kind: "local", side: "here", listen: { bind: listen.host, port }, connect },
      },
    ],
    plugins,
    exitOnForwardFailure: true,
    here: { family: undefined, unix: { mask: defaults.streamLocalBindMask } },
  };
}

function request(url: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { signal, headers: { connection: "close" } }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
      response.on("error", reject);
    });
    asked.on("error", reject);
  });
}
