/**
 * An ssh server that accepts only the key exchange mlkem768x25519-sha256, which the OpenSSH of today's stable systems
 * lacks. It is a separate program, because ssh2 must not be loaded before the change. It rekeys at each forwarded
 * connection.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { curvePublicBytes, curveSecret, mlkemExchange, newCurveKey } from "../../src/ssh/algorithm/mlkem.ts";
import type { ExchangeView } from "../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../src/ssh/ssh2/exchange-watch.ts";
import { addKeyExchanges } from "../../src/ssh/ssh2/key-exchange.ts";
import { atExit } from "./lifetime.ts";
import { killTree } from "./processes.ts";
import { projectRoot } from "./runtime.ts";
import { snippetCommand } from "./snippet.ts";
import { type ServerProtocol, serverView } from "./ssh2-server-view.ts";
import { Transcript } from "./transcript.ts";

export interface MlkemServer extends AsyncDisposable {
  readonly host: string;
  readonly sshArgs: readonly string[];
  /** Waits until this many key exchanges have begun, over all connections. */
  exchanged(times: number): Promise<void>;
}

export async function startMlkemServer(): Promise<MlkemServer> {
  const [command, ...args] = snippetCommand({ [serve.name]: "test/kit/mlkem-server.ts" }, `await ${serve.name}();`);
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
export async function serve(): Promise<void> {
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  const { default: kex } = await import("ssh2/lib/protocol/kex.js");
  // ssh2 makes this exchange from a similar one under another name. Its computation is replaced below.
  addKeyExchanges(kex, new Map([[mlkemExchange, { standIn: "curve25519-sha256", server() {} }]]));
  constants.SUPPORTED_KEX?.push(mlkemExchange);
  constants.DEFAULT_KEX?.splice(0, constants.DEFAULT_KEX.length, mlkemExchange);
  const { startSshServer } = await import("./ssh-server.ts");
  let exchanges = 0;
  let latest: ServerProtocol | undefined;
  const server = await startSshServer({
    connected(connection) {
      latest = serverView(connection)._protocol;
      exchangesOf(latest).onMade((exchange) => {
        answer(exchange);
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
 * The server's half of the draft. The server encapsulates to the client's key, so its share exists only when the secret
 * does.
 */
function answer(exchange: ExchangeView): void {
  let share = Buffer.alloc(0);
  exchange.generateKeys = () => {};
  exchange.convertPublicKey = (key) => key;
  exchange.getPublicKey = () => share;
  exchange.computeSecret = (clientShare) => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(clientShare.subarray(0, publicKeyBytes));
    const curve = newCurveKey();
    const classical = curveSecret(curve.privateKey, clientShare.subarray(publicKeyBytes));
    share = Buffer.concat([cipherText, curvePublicBytes(curve.publicKey)]);
    return createHash("sha256").update(sharedSecret).update(classical).digest();
  };
}

const publicKeyBytes = 1184;
