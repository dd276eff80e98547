/** Configuration files in memory, on a made-up machine, with a count of what was read and run. */
import type { ConfigSources } from "../../src/config/file/config-sources.ts";

export interface MemoryConfig extends ConfigSources {
  readonly commands: string[];
}

/** Files by their path; `~/.ssh/config` is /home/anna/.ssh/config. A command succeeds when it is `true`. */
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

/** As people with many machines have it: a block for each, and defaults at the end. */
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
