/**
 * An ssh server that accepts only one hybrid key exchange, such as mlkem768x25519-sha256, which the installed OpenSSH
 * may lack. It is a separate program, because ssh2 must not be loaded before the change. It rekeys at each forwarded
 * connection.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  curvePublicBytes,
  curveSecret,
  type Hybrid,
  mlkemHybrid,
  newCurveKey,
  sntrupHybrid,
} from "../../src/ssh/algorithm/hybrid-exchange.ts";
import type { ExchangeView } from "../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../src/ssh/ssh2/exchange-watch.ts";
import { addKeyExchanges } from "../../src/ssh/ssh2/key-exchange.ts";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";
import { projectRoot } from "./runtime.ts";
import { snippetCommand } from "./snippet.ts";
import { type ServerProtocol, serverView } from "./ssh2-server-view.ts";
import { Transcript } from "./transcript.ts";

export interface HybridServer extends AsyncDisposable {
  readonly host: string;
  readonly sshArgs: readonly string[];
  /** Waits until this many key exchanges have begun, over all connections. */
  exchanged(times: number): Promise<void>;
}

export async function startHybridServer(exchange: string): Promise<HybridServer> {
  const [command, ...args] = snippetCommand(
    { [serve.name]: "test/kit/hybrid-server.ts" },
    `await ${serve.name}("${exchange}");`,
  );
  const child = spawn(command, args, { cwd: projectRoot, stdio: ["ignore", "pipe", "inherit"] });
  const kill = () => {
    if (child.pid !== undefined) killTree(child.pid);
  };
  const forget = atExit(kill);
  const said = new Transcript("the server's stdout");
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => said.add(text));
  const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const [, facts = "{}"] = await said.until(/^(\{.*\})$/m);
  return {
    ...(JSON.parse(facts) as { host: string; sshArgs: string[] }),
    exchanged: async (times) => void (await said.until(new RegExp(`^exchange ${times}$`, "m"))),
    async [Symbol.asyncDispose]() {
      kill();
      await closed;
      forget();
    },
  };
}

/** The program: prints one line of facts, then a line for each exchange. */
export async function serve(name: string): Promise<void> {
  const hybrid = name.startsWith("mlkem") ? await mlkemHybrid() : await sntrupHybrid();
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  const { default: kex } = await import("ssh2/lib/protocol/kex.js");
  // ssh2 makes this exchange from a similar one under another name. Its computation is replaced below.
  addKeyExchanges(kex, new Map([[name, { standIn: "curve25519-sha256", server() {} }]]));
  constants.SUPPORTED_KEX?.push(name);
  constants.DEFAULT_KEX?.splice(0, constants.DEFAULT_KEX.length, name);
  const { startSshServer } = await import("./ssh-server.ts");
  let exchanges = 0;
  let latest: ServerProtocol | undefined;
  const server = await startSshServer({
    connected(connection) {
      latest = serverView(connection)._protocol;
      exchangesOf(latest).onMade((exchange) => {
        answer(exchange, hybrid);
        console.log(`exchange ${++exchanges}`);
      });
    },
    forward: () => {
      latest?.rekey();
      return "dial";
    },
  });
  console.log(JSON.stringify({ host: server.host, sshArgs: server.sshArgs }));
}

/**
 * The server's half of both drafts. The server encapsulates to the client's key, so its share exists only when the secret
 * does.
 */
function answer(exchange: ExchangeView, { kem, hash, publicKeyBytes }: Hybrid<unknown>): void {
  let share = Buffer.alloc(0);
  exchange.hashName = hash;
  exchange.generateKeys = () => {};
  exchange.convertPublicKey = (key) => key;
  exchange.getPublicKey = () => share;
  exchange.computeSecret = (clientShare) => {
    const { cipherText, sharedSecret } = kem.encapsulate(clientShare.subarray(0, publicKeyBytes));
    const curve = newCurveKey();
    const classical = curveSecret(curve.privateKey, clientShare.subarray(publicKeyBytes));
    share = Buffer.concat([cipherText, curvePublicBytes(curve.publicKey)]);
    return createHash(hash).update(sharedSecret).update(classical).digest();
  };
}
