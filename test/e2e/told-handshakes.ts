/** Provocations of every failure before a session is ready, and of every end of one that was. */

import { flippingRelay } from "../kit/bit-flipping.ts";
import { floodingServer, questions } from "../kit/flooding-server.ts";
import { hostileSsh, type Manners, text, uint32 } from "../kit/hostile-ssh.ts";
import { newerOpenSsh } from "../kit/openssh.ts";
import { freePort } from "../kit/servers.ts";
import { clearPacket, kexInit, sameLists } from "../kit/ssh-stream.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { failing, failingAt, goodbye, type Provocation } from "./told.ts";
import { lostForGood, openTunnel, type Server, type TunnelOptions } from "./tunnel.ts";

const target = { host: "127.0.0.1", port: 1 };

export const handshakes: Readonly<Record<string, Provocation>> = {
  "a port where nobody listens": async () => failing("-p", String(await freePort()), "127.0.0.1"),
  // Without the name of an interface the kernel cannot reach a link-local address, and no gateway is asked.
  "an address that cannot be reached": () => failing("-o", "ConnectTimeout=1", "fe80::1"),
  "an address that is not this machine's": () => failing("-b", "203.0.113.7", "-p", "1", "127.0.0.1"),
  "a server that closes at once": () => failingAt((socket) => socket.end()),
  "one that turns away": () => failingAt((socket) => socket.end("Not allowed at this time\r\n")),
  "one that speaks of other things": () => failingAt((socket) => socket.end("220 mail.example ESMTP\r\n")),
  "one that sends empty lines": () => failingAt((socket) => socket.write("\r\n".repeat(5000))),
  "one of 1995": () => failingAt((socket) => socket.write("SSH-1.5-1.2.27\n")),
  "one without a name": () => failingAt((socket) => socket.write("SSH-2.0-\r\n")),
  "one that is silent": () => failingAt(() => {}),
  "one that is silent after its greeting": () => failingAt((socket) => socket.write("SSH-2.0-x\r\n")),
  "one that closes after its greeting": () => failingAt((socket) => socket.end("Hello\r\nSSH-2.0-x\r\n")),
  "one that sends garbage": () => failingAt((socket) => socket.write(`SSH-2.0-x\r\n${"x".repeat(100)}`)),
  "one that answers before it was asked": () =>
    failingAt((socket) => socket.write(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), clearPacket(Buffer.of(31))]))),
  "one that has other messages": () => {
    const lists = kexInit(sameLists("aes128-ctr", "hmac-sha2-256"));
    const stray = clearPacket(Buffer.alloc(20, 50));
    return failingAt((socket) =>
      socket.write(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), clearPacket(lists), stray])),
    );
  },
  goodbyes: async () => {
    const reasons = Array.from({ length: 15 }, (_each, index) => index + 1);
    const told = reasons.map((reason) =>
      failingAt((socket) => socket.write(goodbye(reason, reason > 12 ? "" : "bye"))),
    );
    return (await Promise.all(told)).join("\n");
  },
  "ciphers of which none is shared": () =>
    withSshd({ config: ["Ciphers aes128-cbc"] }, (sshd) => failing(...sshd.sshArgs, sshd.host)),
  "a server that closes at the login": () => withHostile({ login: (_context, { socket }) => void socket.end() }),
  "one that says goodbye at the login": () =>
    withHostile({ login: (_context, peer) => peer.send(1, uint32(2), text("bye"), text("")) }),
  "a packet that is damaged at the login": () => damagedAtLogin(),
  "a ProxyCommand that fails": () => failing("-o", "ProxyCommand=sh -c 'exit 3'", "host"),
  "one that prints something else": () => failing("-o", "ProxyCommand=sh -c 'echo no; exit 3'", "host"),
};

/** With the newer OpenSSH alone: RefuseConnection is of version 9.9 and later. */
export const newHandshakes: Readonly<Record<string, Provocation>> = {
  RefuseConnection: () => {
    const openssh = newerOpenSsh();
    if (openssh === undefined) throw new Error("there is no newer OpenSSH");
    return withSshd({ openssh, config: ["RefuseConnection yes"] }, (sshd) => failing(...sshd.sshArgs, sshd.host));
  },
};

export const endings: Readonly<Record<string, Provocation>> = {
  "a server that closes": () => losing({}, (peer) => void peer.socket.end()),
  "one that resets": () => losing({}, (peer) => void peer.socket.resetAndDestroy()),
  "one that says goodbye": () => losing({}, (peer) => peer.send(1, uint32(11), text("good night"), text(""))),
  "one that sends a malformed message": () => losing({}, (peer) => peer.send(94)),
  "a packet that is damaged": () => damagedLater(),
  "a server that no longer answers": () => frozen(),
  "one that asks and does not read": () => unread(),
  "a ProxyCommand that dies": () =>
    withSshd({}, async (sshd) => {
      const args = [...lostForGood, "-o", "ProxyCommand=nc %h %p"];
      await using tunnel = await openTunnel(sshd, [target], { args });
      await sshd.kill();
      return (await tunnel.program.exit).stderr;
    }),
};

type Use<T> = (server: T) => Promise<string>;

async function withSshd(options: Parameters<typeof startSshd>[0], use: Use<Sshd>): Promise<string> {
  await using sshd = await startSshd(options);
  return await use(sshd);
}

async function withHostile(manners: Manners): Promise<string> {
  await using server = await hostileSsh(manners);
  return await failing(...server.sshArgs, server.host);
}

/** porthop behind a relay, with the words for the server behind it. */
function throughRelay(sshd: Sshd, port: number): string[] {
  return ["-p", String(port), "-o", `HostKeyAlias=[${sshd.host}]:${sshd.port}`, ...sshd.sshArgs];
}

const damagedAtLogin: Provocation = () =>
  withSshd({}, async (sshd) => {
    const told: string[] = [];
    for (const place of [0, 20]) {
      await using relay = await flippingRelay(sshd, place);
      told.push(await failing(...throughRelay(sshd, relay.port), relay.host));
    }
    return told.join("\n");
  });

const damagedLater: Provocation = () =>
  withSshd({}, async (sshd) => {
    await using relay = await flippingRelay(sshd);
    const server = { host: relay.host, sshArgs: throughRelay(sshd, relay.port) };
    return await lostBy(server, {}, async (port) => {
      relay.from();
      relay.flip(20);
      await using client = await connectTo(port);
      await client.received;
    });
  });

const impatient: TunnelOptions = { args: ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"] };

const frozen: Provocation = () =>
  withSshd({}, (sshd) =>
    lostBy(sshd, impatient, async () => {
      for (const pid of sshd.sessionPids()) process.kill(pid, "SIGSTOP");
    }),
  );

async function unread(): Promise<string> {
  const [question] = questions;
  if (question === undefined) throw new Error("there is no question");
  await using server = await floodingServer({ question });
  return await lostBy(server, impatient, async (port) => {
    await using client = await connectTo(port);
    await client.send("hello");
    await client.received;
  });
}

/** What is told of a session that ends by what `act` does. */
async function lostBy(server: Server, options: TunnelOptions, act: (port: number) => Promise<void>): Promise<string> {
  await using tunnel = await openTunnel(server, [target], { args: [...lostForGood, ...(options.args ?? [])] });
  await Promise.all([act(tunnel.port), tunnel.program.exit]);
  return (await tunnel.program.exit).stderr;
}

/** The server does this once the login is over. */
async function losing(manners: Manners, end: NonNullable<Manners["ready"]>): Promise<string> {
  return withHostile({ ...manners, ready: end });
}
