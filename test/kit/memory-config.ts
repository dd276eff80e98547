/** Configuration files in memory, on a made-up machine, with a list of the commands that were run. */
import type { ConfigSources } from "../../src/config/file/config-sources.ts";

export interface MemoryConfig extends ConfigSources {
  readonly commands: string[];
}

/** Files by their paths; `~/.ssh/config` is /home/anna/.ssh/config. Only the command `true` succeeds. */
export function memoryConfig(files: Readonly<Record<string, string>>): MemoryConfig {
  const commands: string[] = [];
  return {
    userFile: "/home/anna/.ssh/config",
    systemFile: "/etc/ssh/ssh_config",
    userFolder: "/home/anna/.ssh",
    systemFolder: "/etc/ssh",
    machine: {
      home: "/home/anna",
      user: "anna",
      uid: "1000",
      host: "brahma.example.com",
      environment: { SOCKET: "/run/agent", PORT: "8080" },
      addresses: () => ["127.0.0.1", "192.0.2.7", "fe80::1%eth0"],
      homeOf: (user) => (user === "bob" ? "/home/bob" : undefined),
    },
    read: (path) => files[path] ?? { why: "no such file or directory", isMissing: true },
    paths: (pattern) => (files[pattern] === undefined ? [] : [pattern]),
    succeeds(command) {
      commands.push(command);
      return command === "true";
    },
    commands,
  };
}

/** What a subject of a reading says for Match: the host web, and only its connections are wanted. */
export function matchFacts(succeeds: (command: string) => boolean | undefined = () => false) {
  return {
    ...{ host: "web", originalHost: "web", user: "anna", localUser: "anna" },
    ...{ command: "", sessionType: "none" as const, fill: (command: string) => command, succeeds },
  };
}

/** A configuration as people with many machines have one: a block for each machine, and defaults at the end. */
export function manyHosts(count: number): string {
  const blocks = Array.from(
    { length: count },
    (_, index) => `Host machine${index} *.machine${index}.example.com !other${index}
  HostName 10.0.${index >> 8}.${index & 255}
  User user${index}
  Port ${2000 + index}
  IdentityFile ~/.ssh/keys/id_%h_${index}
  ProxyJump bastion${index % 7}
  LocalForward ${10_000 + index} localhost:80
`,
  );
  return `${blocks.join("\n")}\nHost *\n  ServerAliveInterval 60\n  IdentitiesOnly yes\n`;
}
