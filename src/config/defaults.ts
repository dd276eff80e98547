/**
 * Every value that holds when no flag and no keyword says otherwise, in one table. Each is ssh's own default (readconf.c,
 * fill_default_options) unless its comment names another. Two things stand elsewhere: whom to log in as (current-user.ts),
 * and the lists of algorithms (ssh/algorithm/algorithms.ts), since what is offered depends on what the runtime can do.
 */

export const defaults = {
  // The way to sshd.
  /** Port: sshd's own (RFC 4253, section 4.2). */
  port: 22,
  /** AddressFamily: IPv4 and IPv6. */
  addressFamily: "any",
  /** ConnectionAttempts: how often the TCP connection is tried. */
  connectionAttempts: 1,
  /** ConnectTimeout of a TCP connection: undefined is the system's own limit. */
  connectTimeoutMs: undefined,
  /**
   * ConnectTimeout of a ProxyCommand, which may have questions of its own before sshd is heard; sshd itself waits as long
   * (LoginGraceTime). ssh waits for ever.
   */
  proxyCommandTimeoutMs: 120_000,
  /** ConnectTimeout of the handshake, for servers that accept a connection and then say nothing. ssh waits for ever. */
  handshakeTimeoutMs: 30_000,
  /** ConnectTimeout with `porthop check`, which has to end. */
  checkConnectTimeoutMs: 10_000,
  /** TCPKeepAlive: the system asks whether the other end is still there. */
  tcpKeepAlive: true,
  /** ServerAliveInterval. ssh asks never (0), and then a dead network is noticed by nobody. */
  serverAliveIntervalMs: 30_000,
  /** ServerAliveCountMax: after so many questions without an answer the session is lost. */
  serverAliveCountMax: 3,
  /** Compression, -C. */
  compression: false,

  // Whom a session believes.
  /** StrictHostKeyChecking: an unknown host key is asked about. */
  strictHostKeyChecking: "ask",
  /** UserKnownHostsFile: the first is added to. */
  userKnownHostsFiles: ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"],
  /** GlobalKnownHostsFile. */
  globalKnownHostsFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
  /** HashKnownHosts: names are written as they are. */
  hashKnownHosts: false,
  /** UpdateHostKeys: a server's other keys are learned ... */
  updateHostKeys: "yes",
  /** ... unless the user keeps host keys in files of their own (ssh_config(5)). */
  updateHostKeysInOwnFiles: "no",
  /** RequiredRSASize (SSH_RSA_MINIMUM_MODULUS_SIZE). */
  requiredRsaBits: 1024,

  // How a login is proven.
  /**
   * IdentityFile, in the order of fill_default_options and without the kinds that no server takes any more. Looked at only
   * when no key file was named.
   */
  identityFiles: [
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
  ],
  /** IdentityAgent: the variable of the environment that names the agent's socket. */
  identityAgent: "SSH_AUTH_SOCK",
  /** IdentitiesOnly: all keys of the agent are offered. */
  identitiesOnly: false,
  /** AddKeysToAgent. */
  addKeysToAgent: "no",
  /** PubkeyAuthentication. */
  pubkeyAuthentication: true,
  /** KbdInteractiveAuthentication. */
  kbdInteractiveAuthentication: true,
  /** PasswordAuthentication. */
  passwordAuthentication: true,
  /** PreferredAuthentications, without those that porthop does not have (gssapi-with-mic, hostbased). */
  preferredAuthentications: ["publickey", "keyboard-interactive", "password"],
  /** NumberOfPasswordPrompts. */
  passwordPrompts: 3,
  /** BatchMode: somebody at a terminal is asked. */
  batchMode: false,

  // What is forwarded, and from where.
  /** GatewayPorts, -g: a port here without a bind address listens on loopback only. */
  gatewayPorts: false,
  /** ExitOnForwardFailure. ssh goes on (no), with a warning that is easily missed and a forward that is not there. */
  exitOnForwardFailure: true,
  /** ClearAllForwardings: forwards of the files and of the flags all hold. */
  clearAllForwardings: false,
  /** StreamLocalBindMask: the rights that a unix socket's file does not get; it is its owner's alone. */
  streamLocalBindMask: 0o177,
  /** StreamLocalBindUnlink: a socket that is there already is in the way. */
  streamLocalBindUnlink: false,
  /** PermitRemoteOpen: a reverse dynamic forward may be asked for anything. */
  permitRemoteOpen: undefined,
  /** --use: the plugins that are in every chain, before all that are asked for. */
  plugins: ["log"],
  /** --grace: how long open flows may finish at the end. ssh breaks them off when it is told to stop. */
  graceMs: 5_000,
  /** PorthopAskServer, --ask-server: nothing runs on the server that nobody asked for. */
  askServer: false,

  // What is said.
  /** --log and LogLevel. */
  logLevel: "info",
  /** Beside a command or -W, where stderr is somebody else's: what goes well is not said there. */
  logLevelBesideData: "warn",

  // The command on the server.
  /** SessionType: a command or a shell. */
  sessionType: "default",
  /** RequestTTY. ssh says auto, which asks for a terminal with a shell only; porthop runs a shell only with -t. */
  requestTty: "no",
  /** StdinNull, -n: the command reads what comes from stdin here. */
  stdinNull: false,
  /** EscapeChar, -e. */
  escapeCharacter: "~",
  /** ForwardAgent, -A. */
  forwardAgent: "no",
  /** ForwardX11, -X. */
  forwardX11: false,
  /** ForwardX11Trusted, -Y. */
  forwardX11Trusted: false,
  /** ForwardX11Timeout: how long an untrusted X program may connect. */
  forwardX11TimeoutMs: 20 * 60_000,
  /** XAuthLocation. ssh is built with a full path; here it is looked for in PATH. */
  xauth: "xauth",

  // What `porthop command` prints.
  /** --format. */
  printedFormat: "ssh",
  /** --shell: whose quotes are written. */
  shell: "posix",
} as const;
