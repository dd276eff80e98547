/**
 * Every default in one table: the values that count when no flag and no keyword sets them. Each is ssh's own default
 * (readconf.c, fill_default_options) unless its comment says what ssh does instead. Two defaults stand elsewhere: the
 * user to log in as (current-user.ts), and the lists of algorithms (ssh/algorithm/algorithms.ts), because what porthop
 * offers depends on what the runtime can do.
 */

export const defaults = {
  // The way to sshd.
  /** Port: the standard port of sshd (RFC 4253, section 4.2). */
  port: 22,
  /** AddressFamily: IPv4 and IPv6. */
  addressFamily: "any",
  /** ConnectionAttempts: how often the TCP connection is tried. */
  connectionAttempts: 1,
  /** ConnectTimeout of a TCP connection: undefined is the system's own limit. */
  connectTimeoutMs: undefined,
  /**
   * ConnectTimeout of a ProxyCommand. The command may ask its own questions before sshd says anything, so porthop waits
   * as long as sshd itself waits for a login (LoginGraceTime). ssh waits for ever.
   */
  proxyCommandTimeoutMs: 120_000,
  /**
   * ConnectTimeout of the handshake, because some servers accept a connection and then say nothing. ssh waits for ever.
   */
  handshakeTimeoutMs: 30_000,
  /** ConnectTimeout of `porthop check`, which must end also when a server does not answer. */
  checkConnectTimeoutMs: 10_000,
  /**
   * ConnectTimeout where --fallback names another server to go to: one that says nothing must not keep the next one
   * waiting. A ProxyCommand has the longer time all the same.
   */
  fallbackConnectTimeoutMs: 10_000,
  /**
   * ConnectTimeout of a tunnel that connects again: the system would wait two minutes for a server that is away, and ask
   * it less and less often meanwhile.
   */
  repeatedConnectTimeoutMs: 30_000,
  /**
   * How long a server may say nothing during the login. It may ask somebody itself (a telephone, a directory), but not
   * for longer than sshd waits for a login (LoginGraceTime, two minutes). ssh waits for ever.
   */
  loginSilenceMs: 150_000,
  /** TCPKeepAlive: the operating system asks from time to time whether the other end is still there. */
  tcpKeepAlive: true,
  /**
   * ServerAliveInterval. ssh's default is 0: ssh never asks, and does not notice that a network is dead. With the count
   * below that takes a minute.
   */
  serverAliveIntervalMs: 15_000,
  /** ServerAliveCountMax: the session is lost after this number of questions without an answer. */
  serverAliveCountMax: 3,
  /** RekeyLimit: the cipher's own limit of data, and none of time. */
  rekeyLimit: "default none",
  /** Compression, -C. */
  compression: false,

  // How the link is kept. ssh has none of this: it ends with its session.
  /** --reconnect: a lost session comes back, and the first connect fails at once. */
  reconnect: "auto",
  /** --hold: how long a new connection waits for a session. A client that gives up sooner is noticed. */
  holdMs: 30_000,
  /** --sessions. */
  sessions: 1,
  /** --check-target: the listeners are enough to be ready. */
  checkTarget: false,

  // Which host keys a session accepts.
  /** StrictHostKeyChecking: an unknown host key is asked about. */
  strictHostKeyChecking: "ask",
  /** UserKnownHostsFile: new host keys are added to the first file. */
  userKnownHostsFiles: ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"],
  /** GlobalKnownHostsFile. */
  globalKnownHostsFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
  /** HashKnownHosts: names of hosts are written in plain text. */
  hashKnownHosts: false,
  /** UpdateHostKeys: the other host keys of a server are learned ... */
  updateHostKeys: "yes",
  /** ... unless the user keeps host keys in files of their own (ssh_config(5)). */
  updateHostKeysInOwnFiles: "no",
  /** RequiredRSASize (SSH_RSA_MINIMUM_MODULUS_SIZE). */
  requiredRsaBits: 1024,

  // How a login is proven.
  /**
   * IdentityFile, in the order of fill_default_options, without the kinds of keys that no server takes any more.
   * Porthop looks at these files only when no key file was named.
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
  pubkeyAuthentication: "yes",
  /** KbdInteractiveAuthentication. */
  kbdInteractiveAuthentication: true,
  /** PasswordAuthentication. */
  passwordAuthentication: true,
  /** PreferredAuthentications, without those that porthop does not have (gssapi-with-mic, hostbased). */
  preferredAuthentications: ["publickey", "keyboard-interactive", "password"],
  /** NumberOfPasswordPrompts. */
  passwordPrompts: 3,
  /** BatchMode: porthop may ask a person at the terminal. */
  batchMode: false,

  // What is forwarded, and from where.
  /** GatewayPorts, -g: a port here without a bind address listens on loopback only. */
  gatewayPorts: false,
  /**
   * ExitOnForwardFailure. ssh's default is no: ssh goes on without the forward, after a warning that is easily missed.
   */
  exitOnForwardFailure: true,
  /** ClearAllForwardings: the forwards of the configuration files and of the flags all count. */
  clearAllForwardings: false,
  /** StreamLocalBindMask: the rights that the file of a unix socket does not get. Only its owner may use the socket. */
  streamLocalBindMask: 0o177,
  /** StreamLocalBindUnlink: a socket that exists already is not removed, and the listener fails. */
  streamLocalBindUnlink: false,
  /** PermitRemoteOpen: a client of a reverse dynamic forward may ask for any target. */
  permitRemoteOpen: undefined,
  /** --use: the plugins in every chain. They stand before the plugins that the user asks for. */
  plugins: ["log"],
  /** --grace: how long open flows may go on after porthop was told to stop. ssh breaks open flows off at once. */
  graceMs: 5_000,
  /** PorthopAskServer, --ask-server: nothing runs on the server that the user did not ask for. */
  askServer: false,

  // What porthop reports.
  /** --log and LogLevel. */
  logLevel: "info",
  /** The level beside a command or -W: stderr then belongs to another program, so only trouble is reported. */
  logLevelBesideData: "warn",

  // The command on the server.
  /** ForkAfterAuthentication, -f. */
  forkAfterAuthentication: false,
  /** SessionType: a command or a shell. */
  sessionType: "default",
  /**
   * RequestTTY. ssh's default is auto, which asks for a terminal when a shell runs. In porthop a shell runs only with
   * -t, which asks for a terminal anyway.
   */
  requestTty: "no",
  /** StdinNull, -n: the command reads porthop's stdin. */
  stdinNull: false,
  /** EscapeChar, -e. */
  escapeCharacter: "~",
  /** ForwardAgent, -A. */
  forwardAgent: "no",
  /** ForwardX11, -X. */
  forwardX11: false,
  /** ForwardX11Trusted, -Y. */
  forwardX11Trusted: false,
  /** ForwardX11Timeout: how long an untrusted X program may make new connections. */
  forwardX11TimeoutMs: 20 * 60_000,
  /** XAuthLocation. ssh has a full path built in; porthop looks for the program in PATH. */
  xauth: "xauth",

  // What `porthop command` prints.
  /** --format. */
  printedFormat: "ssh",
  /** --shell: the kind of shell for which words are quoted. */
  shell: "posix",
} as const;
