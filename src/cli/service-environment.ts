/**
 * What a service manager (systemd) says in the environment of a service: where it is told how the service is
 * (sd_notify(3)), and how often it wants to hear that the service lives (sd_watchdog_enabled(3)).
 */

export interface ServiceEnvironment {
  /** The whole environment, for the program that speaks to the manager. */
  readonly environment: NodeJS.ProcessEnv;
  /** How often the manager is told that porthop lives. Undefined when the manager does not ask. */
  readonly watchdogMs: number | undefined;
  /** Why the manager will end porthop however often it is told. */
  readonly warning: string | undefined;
}

const socketVariable = "NOTIFY_SOCKET";
const watchdogVariable = "WATCHDOG_USEC";
const watchdogPidVariable = "WATCHDOG_PID";

/** Each time a program is started, so the manager is told no more often than this. */
const shortestMs = 250;
/** The limit of a timer. */
const longestMs = 2 ** 31 - 1;

/**
 * Reads these variables and removes them from `environment`. Undefined when there is no service manager. They are not
 * for the programs that porthop starts: a ProxyCommand may be a porthop too, and would say that the service is ready
 * when only the way to the server is.
 */
export function takeServiceEnvironment(environment: NodeJS.ProcessEnv, pid: number): ServiceEnvironment | undefined {
  const own = { ...environment };
  for (const name of [socketVariable, watchdogVariable, watchdogPidVariable]) delete environment[name];
  if ((own[socketVariable] ?? "") === "") return undefined;
  const halfMs = watchdogHalf(own, pid);
  if (halfMs === undefined) return { environment: own, watchdogMs: undefined, warning: undefined };
  const isTooShort = halfMs < shortestMs;
  return {
    environment: own,
    watchdogMs: Math.min(Math.max(halfMs, shortestMs), longestMs),
    warning: isTooShort
      ? `${watchdogVariable}=${own[watchdogVariable]} is too short: at most ${1000 / shortestMs} times a second porthop says that it lives (WatchdogSec=1 would do)`
      : undefined,
  };
}

/** What a process in the background (-f) has to see: the watchdog of the process in front is its own too. */
export function serviceBehind(environment: NodeJS.ProcessEnv, pid: number): NodeJS.ProcessEnv {
  const { [watchdogPidVariable]: whose, ...others } = environment;
  return whose === String(pid) ? others : environment;
}

/** Half of the time within which the manager wants to hear something, as sd_watchdog_enabled(3) advises. */
function watchdogHalf(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const whose = environment[watchdogPidVariable] ?? "";
  if (whose !== "" && whose !== String(pid)) return undefined;
  const microseconds = environment[watchdogVariable] ?? "";
  if (!/^\d{1,20}$/.test(microseconds) || Number(microseconds) === 0) return undefined;
  return Number(microseconds) / 2000;
}
