/**
 * porthop as a service of systemd: where NOTIFY_SOCKET is set, the manager hears that porthop is ready, what it is doing,
 * that it stops, and that it lives (sd_notify(3)). Nothing else waits for the manager, but for a moment at the end and,
 * with -f, the process in front.
 */
import type { Bus } from "../flow/bus.ts";
import { after } from "../io/after.ts";
import { tellServiceManager } from "../io/systemd-notify.ts";
import type { Logger } from "../plugin.ts";
import { takeServiceEnvironment } from "./service-environment.ts";
import { type NoticeClock, type SendNotice, ServiceNotices } from "./service-notices.ts";
import { atStart, endText, stateAfter, statusEvents, statusText } from "./service-status.ts";

export interface ServiceReport {
  /** Resolves when the manager was told that porthop is ready, or cannot be told. */
  readonly announced: Promise<void>;
  /** porthop was told to stop. */
  stops(): void;
  /** The tunnel has ended. Resolves when the manager knows it, or after a moment. */
  ends(code: number): Promise<void>;
}

/** Tells the service manager in this environment, whose variables are removed from it. Without one nothing is told. */
export function serviceReport(environment: NodeJS.ProcessEnv, bus: Bus, log: Logger, isBehind: boolean): ServiceReport {
  const service = takeServiceEnvironment(environment, process.pid);
  if (service === undefined) return { announced: Promise.resolve(), stops() {}, async ends() {} };
  if (service.warning !== undefined) log.warn(service.warning);
  const hurry = new AbortController();
  let state = atStart;
  let isStopping = false;
  // At a stop systemd sends its signal to the program that speaks to it too: that is no failure to tell of.
  const warn = (text: string) => !isStopping && log.warn(text);
  const notices = new ServiceNotices(sender(service.environment, warn, hurry.signal), clock);
  for (const name of statusEvents) {
    bus.on(name, (event) => {
      state = stateAfter(state, event);
      if (!isStopping) void notices.tell(`STATUS=${statusText(state)}`);
    });
  }
  const ready = Promise.withResolvers<void>();
  bus.on("ready", () => {
    // With -f the manager has started the process in front, which ends now, and must know which process is the service.
    const main = isBehind ? [`MAINPID=${process.pid}`] : [];
    void Promise.race([notices.tell("READY=1", ...main), after(announceMs)]).then(ready.resolve);
  });
  const watchdog = watchdogOf(service.watchdogMs, notices);
  return {
    announced: ready.promise,
    stops() {
      isStopping = true;
      void notices.tell("STOPPING=1", "STATUS=stopping");
    },
    async ends(code) {
      isStopping = true;
      clearInterval(watchdog);
      await Promise.race([notices.tellLast("STOPPING=1", `STATUS=${endText(state, code)}`), after(endMs)]);
      hurry.abort();
    },
  };
}

/** How long the process in front waits for the manager. A manager that hangs is given up by then (io/systemd-notify.ts). */
const announceMs = 7000;
/** How long the end waits for the manager. */
const endMs = 2000;

const clock: NoticeClock = { now: () => performance.now(), after };

/** Says the first failure, and no other: a manager that cannot be told is nobody's concern but the manager's. */
function sender(environment: NodeJS.ProcessEnv, warn: (text: string) => void, hurry: AbortSignal): SendNotice {
  let hasFailed = false;
  return async (assignments) => {
    const failure = await tellServiceManager(assignments, environment, hurry);
    if (failure !== undefined && !hasFailed && !hurry.aborted) {
      hasFailed = true;
      warn(`the service manager cannot be told how porthop is (NOTIFY_SOCKET): ${failure.reason}`);
    }
    return failure?.isFinal !== true && !hurry.aborted;
  };
}

/** A timer of this process: when its event loop hangs, the manager hears nothing and ends porthop. */
function watchdogOf(everyMs: number | undefined, notices: ServiceNotices): ReturnType<typeof setInterval> | undefined {
  if (everyMs === undefined) return undefined;
  const timer = setInterval(() => void notices.tell("WATCHDOG=1"), everyMs);
  timer.unref();
  return timer;
}
