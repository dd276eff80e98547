/**
 * Configurations as people write them, and some that nobody should write: files, the words of a command line, and the
 * host. ssh and porthop must read each alike. DIR is the folder of the files.
 */

export interface ConfigCase {
  readonly name: string;
  readonly config: string;
  /** Further files, by their paths below DIR. */
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Undefined means `web`. */
  readonly host?: string;
  /** The first version of OpenSSH with the verdict that porthop follows. Older ones have another. */
  readonly since?: number;
}

/** Makes the text `${NAME}`. */
function variable(name: string): string {
  return `$${`{${name}}`}`;
}

export const configCorpus: readonly ConfigCase[] = [
  { name: "an empty file", config: "" },
  { name: "comments and blank lines", config: "# Host x\n\n   \n\t# Port 1\n  #Port 2\nPort 3 # three\n" },
  { name: "one host", config: "Host web\n  HostName 10.0.0.1\n  User alice\n  Port 2222\n" },
  { name: "another host", config: "Host db\n  HostName 10.0.0.1\n  User alice\n" },
  { name: "the first value wins", config: "Host web\n Port 1\n Port 2\nHost *\n Port 3\n User bob\n" },
  { name: "defaults first win too", config: "Port 9\nHost web\n Port 1\n" },
  { name: "a star", config: "Host *.example.com\n User star\n", host: "a.example.com" },
  { name: "a star for nothing", config: "Host we*b\n User star\n" },
  { name: "question marks", config: "Host we? w??\n User mark\nHost we??\n Port 7\n" },
  { name: "several patterns", config: "Host a b web c\n User one\n" },
  { name: "a negated pattern", config: "Host * !web\n User no\nHost !db *\n Port 5\n" },
  { name: "a negated pattern alone", config: "Host !db\n User nobody\n" },
  { name: "letter case of a pattern", config: "Host WEB\n User upper\nHost web\n Port 4\n" },
  { name: "letter case of the host", config: "Host Web\n User mixed\nHost web\n Port 4\n", host: "Web" },
  { name: "an address to come from", config: "Host web\n BindAddress 127.0.0.2\nBindAddress 127.0.0.3\n" },
  { name: "an address to come from by flag", config: "BindAddress 127.0.0.2\n", flags: ["-b", "127.0.0.4"] },
  { name: "attempts", config: "ConnectionAttempts 3\nConnectionAttempts 5\n" },
  { name: "attempts that are no number", config: "ConnectionAttempts many\n" },
  { name: "keys that may be offered", config: "PubkeyAcceptedAlgorithms rsa-sha2-512,ssh-ed25519\n" },
  { name: "the same by its old name", config: "PubkeyAcceptedKeyTypes ssh-ed25519\n" },
  { name: "keys that nobody has", config: "PubkeyAcceptedAlgorithms rot13\n" },
  { name: "what an authority signs with", config: "CASignatureAlgorithms rsa-sha2-512,ssh-ed25519\n" },
  { name: "letter case of keywords", config: "hOsT web\n pOrT 77\n USER carl\n" },
  { name: "= instead of a blank", config: "Host=web\nPort=22\nUser = dora\nHostName=h.example\n" },
  { name: "= with blanks and tabs", config: "Host web\n\tPort\t=\t2022\n\tUser=\temil\n" },
  { name: "a comment after -o", config: "", flags: ["-o", "User=alice # me", "-o", "IdentityFile=/a\\ b"] },
  { name: "quotes after -o", config: "", flags: ["-o", 'HostKeyAlias=a"b c"d', "-o", 'UserKnownHostsFile=/a"b c" /d'] },
  { name: "a word too many after -o", config: "", flags: ["-o", "User=a b"] },
  { name: "a forward in quotes after -o", config: "", flags: ["-o", 'LocalForward="80 a:1"'] },
  { name: "environment after -o", config: "", flags: ["-o", "SendEnv=A B", "-o", 'SetEnv=A="x y" B=2'] },
  { name: "both families", config: "", flags: ["-4", "-6"] },
  { name: "a family after another by -o", config: "", flags: ["-o", "AddressFamily=inet", "-6"] },
  { name: "two ciphers", config: "Ciphers aes256-ctr\n", flags: ["-c", "aes128-ctr", "-c", "aes192-ctr"] },
  { name: "a cipher after another by -o", config: "", flags: ["-o", "Ciphers=aes128-ctr", "-c", "aes192-ctr"] },
  { name: "-C after its opposite", config: "", flags: ["-o", "Compression=no", "-C"] },
  { name: "a terminal in other words", config: "RequestTTY true\n" },
  { name: "a variable set twice", config: "SetEnv A=1 B=2 A=3\n" },
  { name: "a variable without a value", config: "SetEnv A\n" },
  { name: "a variable without a name", config: "Host other\n SetEnv =1\n" },
  { name: "no known_hosts beside some", config: "UserKnownHostsFile none /a\n" },
  { name: "two =", config: "User==x\n" },
  { name: "quotes around a value", config: 'Host "web"\n User "alice"\n Port "2200"\n' },
  { name: "single quotes", config: "Host 'web'\n User 'alice'\n" },
  { name: "quotes inside a value", config: 'User al"ic"e\n' },
  { name: "quotes with a blank", config: 'IdentityFile "/k/my key"\nIdentityFile /k/my\\ other\n' },
  { name: "a quote that does not end", config: 'User "alice\n' },
  { name: "a single quote that does not end", config: "Host other\n User 'alice\n" },
  { name: "an escaped quote", config: 'ControlPath "/a\\"b"\n' },
  { name: "a hash inside a word", config: "User a#b\n" },
  { name: "a hash in quotes", config: 'ControlPath "/x#y" # comment\n' },
  { name: "a word too many", config: "Port 22 23\n" },
  { name: "no value", config: "Host web\n Port\n" },
  { name: "an empty value", config: 'User ""\n' },
  { name: "only a comment as value", config: "Port # none\n" },
  { name: "windows line ends", config: "Host web\r\n  Port 2222\r\n  User alice\r\n" },
  { name: "no line end at the end", config: "Host web\n  Port 2222" },
  { name: "blanks at the end", config: "Port 2222  \t \nUser anna\t\n" },
  { name: "a form feed at the end", config: "Port 2222\f\n" },
  { name: "an unknown keyword", config: "Prot 22\n" },
  { name: "an unknown keyword for another host", config: "Host other\n Prot 22\n" },
  { name: "an unknown keyword to be ignored", config: "IgnoreUnknown Prot\nProt 22\nPort 23\n" },
  { name: "IgnoreUnknown with patterns", config: "IgnoreUnknown Porthop*,Use*\nPorthopFoo x\nUseThat y\nPort 24\n" },
  { name: "IgnoreUnknown too late", config: "Prot 22\nIgnoreUnknown Prot\n" },
  { name: "IgnoreUnknown for another host", config: "Host other\n IgnoreUnknown Prot\nHost *\n Prot 22\n" },
  { name: "IgnoreUnknown on the command line", config: "Prot 22\n", flags: ["-o", "IgnoreUnknown=prot"] },
  { name: "a keyword of old", config: "Protocol 2\nCipher 3des\nUseRoaming no\nRSAAuthentication yes\nPort 8\n" },
  { name: "old names", config: "ChallengeResponseAuthentication no\nDSAAuthentication no\nIdentityFile2 /k/two\n" },
  { name: "a bad port", config: "Port 70000\n" },
  { name: "a bad choice", config: "StrictHostKeyChecking perhaps\n" },
  { name: "a bad choice for another host", config: "Host other\n StrictHostKeyChecking perhaps\n" },
  { name: "a bad time for another host", config: "Host other\n ConnectTimeout soon\n" },
  { name: "choices in capitals", config: "BatchMode YES\nStrictHostKeyChecking Accept-New\nAddressFamily INET6\n" },
  { name: "true and false", config: "Compression yes\nBatchMode true\nIdentitiesOnly false\nTCPKeepAlive false\n" },
  { name: "times", config: "ConnectTimeout 1m30s\nServerAliveInterval 2h\nForwardX11Timeout 90\n" },
  { name: "no time", config: "ConnectTimeout none\n" },
  { name: "HostName with the name", config: "Host web\n HostName %h.example.com\n" },
  { name: "HostName with a percent sign", config: "HostName a%%b\n" },
  { name: "HostName in capitals", config: "HostName WWW.Example.COM\n" },
  { name: "HostName with an unknown token", config: "HostName %p.example.com\n" },
  { name: "HostName on the command line", config: "HostName from-file\n", flags: ["-o", "HostName=from-flag.%h"] },
  { name: "HostName with a zone", config: "HostName fe80::1%%eth0\n" },
  { name: "HostName in another form of IPv6", config: "HostName 2001:DB8:0:0::1\n" },
  { name: "HostName in other forms of IPv4", config: "HostName 127.1\n" },
  { name: "a host of octal and hexadecimal numbers", config: "Host 0*\n Port 5\n", host: "0x7F.010.1" },
  { name: "HostName of too many numbers", config: "HostName 1.2.3.4.5\n" },
  { name: "HostName with colons", config: "HostName AWS:Prod:1\n" },
  { name: "HostName with a slash", config: "HostName Work/%h\n" },
  { name: "HostName that means something to a shell", config: "HostName a;b$(c)\n" },
  { name: "HostName in brackets", config: "HostName [::1]\n" },
  { name: "HostKeyAlias as in known_hosts", config: "HostKeyAlias [127.0.0.1]:2222\nProxyCommand nc %k\n" },
  {
    name: "HostKeyAlias as in known_hosts with a jump host",
    config: "HostKeyAlias [127.0.0.1]:2222\nProxyJump gate\n",
  },
  { name: "a Host with a slash", config: "Host work/box\n Port 5\nHost work/*\n User star\n", host: "work/box" },
  { name: "a Host with colons", config: "Host aws:prod:1\n Port 5\n", host: "me@aws:prod:1" },
  { name: "a Host that looks like a host and a port", config: "Host aws:22\n Port 5\n", host: "aws:22" },
  { name: "a Host that is an ARN", config: "Host arn:aws:*\n Port 5\n", host: "arn:aws:ecs:eu-central-1:12:task/a_b" },
  { name: "a Host that is an instance", config: "Host i-* mi-*\n ProxyCommand x %h\n", host: "i-0123456789abcdef0" },
  { name: "a Host with an underscore and a dot at the end", config: "Host my_*\n Port 5\n", host: "My_Host.Example." },
  { name: "a Host of another script", config: "Host münchen.*\n Port 5\n", host: "münchen.example" },
  { name: "a URI with an encoded user", config: "Host h_o\n Port 5\n", host: "ssh://a%40b@h_o/" },
  { name: "a jump host with a slash", config: "ProxyJump [work/box]:7\n" },
  { name: "a jump host with an underscore and a dot at the end", config: "ProxyJump i_0.\n" },
  { name: "an IPv6 address", config: "Host ::1\n User six\n Port 66\n", host: "::1" },
  { name: "HostName an IPv6 address", config: "Host web\n HostName fe80::1\n" },
  { name: "user and port of the destination", config: "User file\nPort 1\n", flags: ["-p", "9"], host: "typed@web" },
  { name: "a URI", config: "User file\nPort 1\n", host: "ssh://typed@web:99" },
  {
    name: "flags before the file",
    config: "User file\nPort 1\nCompression no\n",
    flags: ["-l", "flag", "-o", "Port=7"],
  },
  {
    name: "identities collect",
    config: "IdentityFile /a\nHost web\n IdentityFile /b\nHost *\n IdentityFile ~/c\n IdentityFile /a\n",
  },
  { name: "identities of flag and file", config: "IdentityFile /b\n", flags: ["-o", "IdentityFile=/a"] },
  { name: "no identity", config: "IdentityFile none\n" },
  {
    name: "known_hosts files",
    config: 'UserKnownHostsFile /a "/b c" ~/d\nUserKnownHostsFile /e\nGlobalKnownHostsFile /g\n',
  },
  {
    name: "tokens in files",
    config: "Port 23\nUserKnownHostsFile ~/kh_%h_%n_%p_%r_%u_%%\nIdentityAgent %d/a_%i_%L_%l\n",
  },
  { name: "the key's name in tokens", config: "HostKeyAlias Key.Name\nControlPath /c/%k-%C\n" },
  { name: "the key's name without an alias", config: "HostName real\nControlPath /c/%k-%h-%C\n" },
  { name: "an unknown token", config: "ControlPath /c/%z\n" },
  { name: "a token that does not end", config: "IdentityAgent /c/%\n" },
  {
    name: "a variable",
    config: `IdentityAgent ${variable("HOME")}/agent\nControlPath ~/${variable("USER_OF_TEST")}/%%\n`,
  },
  { name: "a variable that is not set", config: `IdentityAgent ${variable("NO_SUCH_VARIABLE_1")}/agent\n` },
  { name: "an agent by variable", config: "IdentityAgent $MY_AGENT\n" },
  { name: "the agent's own names", config: "IdentityAgent SSH_AUTH_SOCK\n" },
  { name: "a home of another", config: "IdentityAgent ~root/agent\nControlPath ~root\n" },
  { name: "a home of nobody known", config: "IdentityAgent ~no-such-user-1/agent\n" },
  {
    name: "all kinds of forwards",
    config:
      "LocalForward 8080 localhost:80\nLocalForward 127.0.0.1:8081 [fd00::7]:80\nRemoteForward 9090 db:5432\n" +
      "RemoteForward 1080\nDynamicForward 1080\nDynamicForward [::1]:1081\nLocalForward [::1]:8082 [::1]:82\n",
  },
  {
    name: "forwards of sockets",
    config: "LocalForward /tmp/a.sock db:1\nLocalForward 81 /b.sock\nRemoteForward /c.sock /d.sock\n",
  },
  {
    name: "forwards with tokens",
    config: `LocalForward /tmp/%h-%r.sock ${variable("HOME")}/x.sock\nRemoteForward /r/%n %d/y\n`,
  },
  {
    name: "forwards of flags and of the file",
    config: "LocalForward 81 b:1\nDynamicForward 82\n",
    flags: ["-L", "80:a:1"],
  },
  {
    name: "the same forward twice",
    config: "LocalForward 80 a:1\nHost *\n LocalForward 80 a:1\n",
    flags: ["-L", "80:a:1"],
  },
  {
    name: "forwards of -o",
    config: "LocalForward 81 b:1\n",
    flags: ["-o", "LocalForward=80 a:1", "-o", "DynamicForward 9"],
  },
  { name: "a forward without a target", config: "LocalForward 8080\n" },
  { name: "a forward with = in between", config: "LocalForward=8080 localhost:80\n" },
  { name: "a forward of three words", config: "LocalForward 8080 localhost 80\n" },
  { name: "forwards are cleared", config: "LocalForward 81 b:1\nClearAllForwardings yes\n", flags: ["-R", "9:c:1"] },
  { name: "GatewayPorts", config: "GatewayPorts yes\nExitOnForwardFailure yes\n" },
  { name: "socket masks", config: "StreamLocalBindMask 0117\nStreamLocalBindUnlink yes\n" },
  { name: "PermitRemoteOpen", config: "PermitRemoteOpen a:1 *:80 [::1]:*\nPermitRemoteOpen any\n" },
  { name: "a jump host", config: "Host web\n ProxyJump gate\n" },
  { name: "jump hosts with users and ports", config: "ProxyJump a@gate:2222,b@inner\n" },
  { name: "a jump host and a comment", config: "ProxyJump gate # over there\n" },
  { name: "no jump host", config: "Host web\n ProxyJump none\nHost *\n ProxyJump gate\n" },
  { name: "no jump host before a command", config: "ProxyJump none\nProxyCommand nc\n", since: 10 },
  { name: "-J none before a command", config: "ProxyCommand nc\n", flags: ["-J", "none"], since: 10 },
  { name: "a jump host before a command", config: "ProxyJump gate\nProxyCommand nc %h %p\n" },
  { name: "a command before a jump host", config: "ProxyCommand nc %h %p\nProxyJump gate\n" },
  { name: "no command before a jump host", config: "ProxyCommand none\nProxyJump gate\n" },
  { name: "-J before the file", config: "ProxyCommand nc %h %p\n", flags: ["-J", "gate"] },
  { name: "a command with quotes", config: 'ProxyCommand sh -c "nc %h %p # x"\n' },
  { name: "a command after =", config: "ProxyCommand = nc %h %p\n" },
  { name: "a remote command", config: "RemoteCommand echo %h '%n' \"a b\"\nRequestTTY force\n" },
  {
    name: "environment",
    config: 'SendEnv LANG LC_*\nSetEnv A=1 "B=two words"\nSetEnv C=3\nHost web\n SendEnv -LANG X\n',
  },
  { name: "a bad environment", config: "SendEnv A=1\n" },
  {
    name: "agent and X11",
    config: "ForwardAgent yes\nForwardX11 yes\nForwardX11Trusted no\nXAuthLocation /opt/xauth\n",
  },
  {
    name: "algorithms",
    config: "Ciphers aes128-ctr,aes256-ctr\nMACs hmac-sha2-256\nKexAlgorithms curve25519-sha256\n",
  },
  { name: "Match all", config: "Match all\n Port 5\n" },
  { name: "Match host", config: "Match host web,db\n Port 5\nMatch host !web,*\n User no\n" },
  { name: "Match host in capitals", config: "Match host WEB\n Port 5\n", host: "Web" },
  {
    name: "Match host after HostName",
    config: "HostName real.example\nMatch host real.*\n Port 5\nMatch host web\n User no\n",
  },
  {
    name: "Match originalhost",
    config: "HostName real\nMatch originalhost web\n Port 5\nMatch originalhost real\n User no\n",
  },
  {
    name: "Match user",
    config: "Match user alice\n Port 5\nMatch user a*,!alice\n Compression yes\n",
    flags: ["-l", "alice"],
  },
  { name: "Match user of the file", config: "User bob\nMatch user bob\n Port 5\n" },
  { name: "Match localuser", config: "Match localuser root\n Port 5\nMatch !localuser root\n Port 6\n" },
  { name: "Match negated", config: "Match !host db\n Port 5\nMatch !originalhost web\n User no\n" },
  {
    name: "Match of several",
    config: "Match host web user root originalhost w*\n Port 5\nMatch host web user x\n User no\n",
  },
  { name: "Match with quotes and =", config: 'Match host="web" user "*"\n Port 5\n' },
  { name: "Match with a comment", config: "Match host web # here\n Port 5\n" },
  { name: "Match exec", config: 'Match exec "true"\n Port 5\nMatch exec "false"\n User no\n' },
  {
    name: "Match exec with tokens",
    config: 'HostName real\nMatch exec "test %h-%n-%p-%r = real-web-9-al"\n Compression yes\n',
    flags: ["-p", "9", "-l", "al"],
  },
  { name: "Match exec negated", config: 'Match !exec "false"\n Port 5\nMatch host db exec "exit 0"\n User no\n' },
  { name: "Match without criteria", config: "Match\n Port 5\n" },
  { name: "Match with an unknown criterion", config: "Match hots web\n Port 5\n" },
  { name: "Match without a value", config: "Match host\n Port 5\n" },
  { name: "Match all beside others", config: "Match host web user root all\n Port 5\n" },
  { name: "Match all after one", config: "Match final all\n Port 5\n" },
  { name: "Match !all", config: "Match !all\n Port 5\n" },
  {
    name: "Match final",
    config:
      "Match final host real\n Port 5\nHost web\n HostName real\n User first\nMatch final\n User second\n BatchMode yes\n",
  },
  { name: "Match !final", config: "Match !final\n Port 5\nMatch final\n User last\n" },
  { name: "Match canonical", config: "Match canonical\n Port 5\nMatch !canonical\n User early\n" },
  { name: "Host at the end", config: "Host real\n Port 5\nHost web\n HostName real\nMatch final\n Compression yes\n" },
  {
    name: "collecting twice",
    config: "IdentityFile /a\nSendEnv A\nLocalForward 1 a:1\nMatch final\n IdentityFile /b\n SendEnv B\n",
  },
  {
    name: "a jump host in the name of a socket",
    config: "ProxyJump a@one:22,b@two:33\nControlPath /c/%j-%C\n",
    since: 10,
  },
  { name: "no jump host in the name of a socket", config: "ProxyJump none\nControlPath /c/%j-%C\n", since: 10 },
  {
    name: "tokens in more files",
    config: `RevokedHostKeys ~/${variable("USER_OF_TEST")}/%h\nGlobalKnownHostsFile /g%h/${variable("HOME")}\n`,
    since: 10,
  },
  { name: "tokens in variables for the server", config: `SetEnv A=%h-${variable("USER_OF_TEST")} B=%%\n`, since: 10 },
  { name: "an unknown token for the server", config: "SetEnv A=%z\n", since: 10 },
  {
    name: "a variable for the server that is not set",
    config: `SetEnv A=${variable("NO_SUCH_VARIABLE_1")}\n`,
    since: 10,
  },
  { name: "tokens where there are none", config: `HostKeyAlias %h-${variable("USER_OF_TEST")}\nXAuthLocation ~/%h\n` },
  {
    name: "tokens in a user",
    config: `User %j-%h-%n-%p-%u-%k-${variable("USER_OF_TEST")}\nHostName x\nPort 9\nProxyJump gate\n`,
    since: 10,
  },
  { name: "a user in the user", config: "User %r\n", since: 10 },
  { name: "a hash in the user", config: "User %C\n", since: 10 },
  { name: "a user in another token", config: "User %n\nControlPath /c/%r-%C\n", since: 10 },
  { name: "a user of a variable that is not set", config: `User ${variable("NO_SUCH_VARIABLE_1")}\n`, since: 10 },
  { name: "a user with a dollar sign and a backslash", config: "User CORP\\\\anna$\n" },
  { name: "Match user with tokens", config: "User %u\nMatch user %u\n Port 4\nMatch user root\n Port 3\n", since: 10 },
  {
    name: "an include with tokens",
    config: `Include DIR/${variable("USER_OF_TEST")}_%h_%n_%p\nPort 5\n`,
    files: { tester_web_web_22: "Port 7\n" },
    since: 10,
  },
  {
    name: "an include with a variable that is not set",
    config: `Include DIR/${variable("NO_SUCH_VARIABLE_1")}\nPort 5\n`,
  },
  { name: "an include with an unknown token", config: "Host other\n Include DIR/%z\n", since: 10 },
  { name: "Match with = and blanks", config: "Match host = web\n Port 5\n", since: 10 },
  { name: "Match with = behind a blank", config: "Match host =web\n Port 5\n", since: 10 },
  { name: "Match with single quotes", config: "Match host 'web'\n Port 5\n", since: 10 },
  { name: "Match with quotes around all of it", config: 'Match "host=web"\n Port 5\n', since: 10 },
  { name: "Match exec with an unknown token that is not reached", config: 'Match host db exec "%z"\n Port 5\n' },
  { name: "Match tagged", config: "Tag work\nMatch tagged wor?\n Port 5\nMatch tagged home\n User no\n", since: 10 },
  {
    name: "Match tagged with the tag behind it",
    config: "Match tagged work\n Port 5\nMatch all\n Tag work\n",
    since: 10,
  },
  { name: "Match tagged without a tag", config: 'Match tagged ""\n Port 5\nMatch tagged *\n User no\n', since: 10 },
  { name: "a tag of -P", config: "Match tagged work\n Port 5\n", flags: ["-P", "work"], since: 10 },
  { name: "a tag of -o", config: "Tag home\nMatch tagged work\n Port 5\n", flags: ["-o", "Tag=work"], since: 10 },
  {
    name: "Match localnetwork",
    config: "Match localnetwork 10.255.0.0/24,127.0.0.0/8\n Port 5\nMatch !localnetwork 127.0.0.1\n User no\n",
    since: 10,
  },
  { name: "Match localnetwork of IPv6", config: "Match localnetwork 2001:db8::/32\n Port 5\n", since: 10 },
  { name: "Match localnetwork with too many bits", config: "Match localnetwork 127.0.0.1/8\n Port 5\n" },
  { name: "Match localnetwork with a pattern", config: "Match localnetwork 127.*\n Port 5\n" },
  { name: "Match localnetwork with an exception", config: "Match localnetwork !10.0.0.0/8,127.0.0.1\n Port 5\n" },
  { name: "Match localnetwork with an empty entry", config: "Match localnetwork ,127.0.0.1\n Port 5\n" },
  {
    name: "Match version",
    config: "Match version OpenSSH_1?.*\n Port 5\nMatch version OpenSSH_9*\n User no\n",
    since: 10,
  },
  {
    name: "Match sessiontype",
    config: "Match sessiontype none,exec\n Port 5\n",
    flags: ["-o", "SessionType=none"],
    since: 10,
  },
  {
    name: "Match sessiontype shell",
    config: "Match sessiontype shell\n Port 5\n",
    flags: ["-o", "RemoteCommand=x"],
    since: 10,
  },
  {
    name: "Match sessiontype of the file",
    config: "SessionType none\nMatch sessiontype none\n Port 5\n",
    since: 10,
  },
  { name: "Match sessiontype with =", config: "Match sessiontype=none\n Port 5\n" },
  { name: "Match command without one", config: 'Match command ""\n Port 5\nMatch command *\n User no\n', since: 10 },
  {
    name: "Match command and a RemoteCommand",
    config: 'RemoteCommand uname\nMatch command ""\n Port 5\nMatch command uname\n User no\n',
    since: 10,
  },
  { name: "an include", config: "Include DIR/more\nPort 1\n", files: { more: "Port 2\nUser inner\n" } },
  { name: "an include of nothing", config: "Include DIR/nothing DIR/no*\nPort 1\n" },
  {
    name: "an include by pattern",
    config: "Include DIR/conf.d/*.conf\n",
    files: {
      "conf.d/b.conf": "Port 2\n",
      "conf.d/a.conf": "Port 1\n",
      "conf.d/.c.conf": "User no\n",
      "conf.d/d": "User no\n",
    },
  },
  {
    name: "an include by question mark and set",
    config: "Include DIR/a?.x DIR/[bc]1\n",
    files: { "ab.x": "Port 1\n", c1: "User cee\n", d1: "User dee\n" },
  },
  {
    name: "an include by class, and of folders",
    config: "Include DIR/*/ DIR/f[[:digit:]] DIR/[![:digit:]]1\n",
    files: { f1: "Port 1\n", g1: "User gee\n", "11": "Compression yes\n", "folder/x": "BatchMode yes\n" },
  },
  {
    name: "an include of several",
    config: "Include DIR/one DIR/two\n",
    files: { one: "Port 1\n", two: "Port 2\nUser two\n" },
  },
  {
    name: "an include in a block that applies",
    config: "Host web\n Include DIR/more\n User after\n",
    files: { more: "Port 2\n" },
  },
  {
    name: "an include in a block that does not",
    config: "Host db\n Include DIR/more\nHost *\n User x\n",
    files: { more: "Port 2\nHost web\n Port 3\nMatch all\n Port 4\n" },
  },
  {
    name: "Host within an include ends with it",
    config: "Host web\n Include DIR/more\n Port 1\n",
    files: { more: "Host db\n User no\n" },
  },
  {
    name: "an include in Match",
    config: "Match host web\n Include DIR/more\n",
    files: { more: "Match user root\n Port 2\n" },
  },
  {
    name: "an include of an include",
    config: "Include DIR/one\n",
    files: { one: "Include DIR/two\nUser one\n", two: "Port 2\nUser two\n" },
  },
  { name: "an include of itself", config: "Include DIR/config\n" },
  { name: "an include with an unknown keyword", config: "Include DIR/more\n", files: { more: "Port 1\nProt 2\n" } },
  { name: "an include with a bad value in vain", config: "Host db\n Include DIR/more\n", files: { more: "Prot 2\n" } },
  { name: "an include with quotes", config: 'Include "DIR/my file"\n', files: { "my file": "Port 2\n" } },
  { name: "an include with nothing to include", config: 'Include ""\n' },
  {
    name: "a file as people have it",
    config: `# work
Host *
    ServerAliveInterval 60
    ServerAliveCountMax 3
    AddKeysToAgent yes
    ControlMaster auto
    ControlPath ~/.ssh/cm-%r@%h:%p
    ControlPersist 10m

Host bastion
    HostName bastion.example.com
    User ops
    IdentityFile ~/.ssh/id_work
    IdentitiesOnly yes

Host web db *.internal
    ProxyJump bastion
    User deploy
    LocalForward 5432 localhost:5432
    StrictHostKeyChecking accept-new
`,
  },
];
