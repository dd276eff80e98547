/**
 * The command of a tunnel on the server. Its session channel is opened before the forwards, and the command starts once
 * the forwards are up. Connections to the forwarded agent and X server are carried beside the flows.
 */
import { Malformed } from "../codec/malformed.ts";
import { parseDisplay } from "../codec/session/x11-display.ts";
import { type CommandSettings, commandEnvironment, type X11Settings } from "../config/command-settings.ts";
import type { Cancel } from "../flow/conn.ts";
import { askXauth } from "../io/xauth.ts";
import type { Logger } from "../plugin.ts";
import { agentChannels, forwardedAgent, isAgentThere } from "../ssh/channel/agent-forward.ts";
import type { RemoteCommand } from "../ssh/channel/remote-command.ts";
import type { SessionChannel, TerminalRequest } from "../ssh/channel/session-channel.ts";
import { OpenSides, takeSideChannels } from "../ssh/channel/side-channel.ts";
import { type X11Forwarding, type X11Request, x11Channels, x11Request } from "../ssh/channel/x11-forward.ts";
import type { Session } from "../ssh/session.ts";

export interface CommandPlan {
  readonly settings: CommandSettings;
  /** Undefined for a command without a terminal. */
  readonly terminal: TerminalRequest | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

export class CommandRun {
  readonly #plan: CommandPlan;
  readonly #channel: SessionChannel;
  readonly #log: Logger;
  readonly #sides = new OpenSides();

  private constructor(plan: CommandPlan, channel: SessionChannel, log: Logger) {
    this.#plan = plan;
    this.#channel = channel;
    this.#log = log;
  }

  static async open(
    session: Pick<Session, "openSessionChannel">,
    plan: CommandPlan,
    log: Logger,
    signal: Cancel,
  ): Promise<CommandRun> {
    return new CommandRun(plan, await session.openSessionChannel(signal), log);
  }

  /** Starts the command. Rejects when the server does not run the command. */
  async start(): Promise<RemoteCommand> {
    const { settings, terminal, environment } = this.#plan;
    const [agent, x11] = await Promise.all([this.#offerAgent(), this.#offerX11()]);
    return this.#channel.start(
      { command: settings.command, terminal, environment: commandEnvironment(settings, environment), agent, x11 },
      (what) => this.#log.warn(`the server does not ${what}`),
    );
  }

  /** How many connections of the forwarded agent and X server are open. */
  get open(): number {
    return this.#sides.count;
  }

  /** Resolves once no connection of the agent or X server is open. */
  idle(): Promise<void> {
    return this.#sides.idle();
  }

  async #offerAgent(): Promise<boolean> {
    const { settings, environment } = this.#plan;
    const wanted = settings.forwardAgent;
    if (/^(no|false)$/i.test(wanted)) return false;
    const path = forwardedAgent(wanted, environment);
    if (path === undefined || !(await isAgentThere(path))) {
      const missing = wanted.toLowerCase() === "none" ? "IdentityAgent is none" : "SSH_AUTH_SOCK is not set";
      this.#log.warn(`no agent is forwarded: ${path === undefined ? missing : `none answers at ${path}`}`);
      return false;
    }
    const channels = agentChannels(path, this.#channel.binding, (text) => this.#log.warn(text));
    takeSideChannels(this.#channel.carrier, channels, this.#sides);
    return true;
  }

  async #offerX11(): Promise<X11Request | undefined> {
    const { x11 } = this.#plan.settings;
    if (x11 === undefined) return undefined;
    const forwarding = await this.#forwarding(x11);
    if (forwarding === undefined) return undefined;
    const request = x11Request(forwarding);
    const channels = x11Channels(forwarding, request, (text) => this.#log.warn(text));
    takeSideChannels(this.#channel.carrier, channels, this.#sides);
    return request;
  }

  async #forwarding({ trusted, timeoutMs, xauth }: X11Settings): Promise<X11Forwarding | undefined> {
    const named = this.#plan.environment["DISPLAY"] ?? "";
    try {
      if (named === "") throw new Malformed("DISPLAY is not set");
      const display = parseDisplay(named);
      const cookie = await askXauth({ program: xauth, display, trusted, timeoutMs });
      if (cookie === undefined)
        throw new Malformed("xauth made no untrusted cookie (-Y forwards with the display's own)");
      const isLimited = !trusted && timeoutMs > 0;
      return { display, cookie, refuseAfterMs: isLimited ? performance.now() + timeoutMs : undefined };
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#log.warn(`X11 is not forwarded: ${error.message}`);
      return undefined;
    }
  }
}
