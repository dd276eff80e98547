/**
 * An ssh-agent in software that holds security keys (PROTOCOL.u2f). It signs as a device does, with flags and a
 * counter, and sshd checks these signatures like those of a real device. It can also be silent.
 */
import { createHash, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { ecdsaFromDer } from "../../src/codec/keys/ssh-signature.ts";
import { readString, writeStrings } from "../../src/codec/ssh-string.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

export type SecurityKeyType = "sk-ssh-ed25519@openssh.com" | "sk-ecdsa-sha2-nistp256@openssh.com";

export interface SecurityKey {
  readonly blob: Buffer;
  /** The key as text: `sk-ssh-ed25519@openssh.com AAAA...` */
  readonly publicKey: string;
  /** Makes the whole signature: algorithm, bytes, flags, counter. */
  sign(data: Uint8Array): Buffer;
}

export function makeSecurityKey(type: SecurityKeyType, application = "ssh:"): SecurityKey {
  const isEd25519 = type.startsWith("sk-ssh-");
  const { publicKey, privateKey } = isEd25519
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const blob = isEd25519
    ? writeStrings(type, field(jwk.x), application)
    : writeStrings(type, "nistp256", pointOf(jwk), application);
  let counter = 0;
  return {
    blob,
    publicKey: `${type} ${blob.toString("base64")}`,
    sign: (data) => deviceSignature({ type, privateKey, application, counter: ++counter }, data),
  };
}

interface Device {
  readonly type: SecurityKeyType;
  readonly privateKey: KeyObject;
  readonly application: string;
  readonly counter: number;
}

function deviceSignature({ type, privateKey, application, counter }: Device, data: Uint8Array): Buffer {
  // The lowest flag says that a person has touched the device.
  const rest = Buffer.from([1, 0, 0, 0, 0]);
  rest.writeUInt32BE(counter, 1);
  const signed = Buffer.concat([sha256(Buffer.from(application)), rest, sha256(data)]);
  const isEd25519 = type.startsWith("sk-ssh-");
  const bytes = isEd25519 ? sign(null, signed, privateKey) : ecdsaFromDer(sign("sha256", signed, privateKey));
  return Buffer.concat([writeStrings(type, bytes), rest]);
}

export interface HeldKey {
  readonly blob: Buffer;
  readonly comment: string;
  sign(data: Uint8Array): Buffer;
}

export interface SoftAgent extends AsyncDisposable {
  readonly socket: string;
  /** How many signatures were asked for. */
  readonly signed: number;
  /** How many connections the agent has had. */
  readonly asked: number;
}

/** With `silent`, the agent accepts every question and answers none. */
export async function startSoftAgent(keys: readonly HeldKey[], silent = false): Promise<SoftAgent> {
  const directory = tempDirectory("soft-agent");
  const socket = join(directory, "agent");
  const counts = { signed: 0, asked: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((connection) => {
    counts.asked++;
    sockets.add(connection);
    connection.on("error", () => {});
    connection.on("close", () => sockets.delete(connection));
    let received = Buffer.alloc(0);
    connection.on("data", (chunk: Buffer) => {
      if (silent) return;
      received = Buffer.concat([received, chunk]);
      for (let message = readString(received, 0); message !== undefined; message = readString(received, 0)) {
        received = received.subarray(message.next);
        if (message.bytes[0] === 13) counts.signed++;
        connection.write(writeStrings(answer(keys, message.bytes)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    get signed() {
      return counts.signed;
    },
    get asked() {
      return counts.asked;
    },
    async [Symbol.asyncDispose]() {
      for (const each of sockets) each.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      removeTemp(directory);
    },
  };
}

/** The message numbers of draft-miller-ssh-agent: 11 and 12 list, 13 and 14 sign, 5 refuses. */
function answer(keys: readonly HeldKey[], message: Buffer): Buffer {
  if (message[0] === 11) {
    const count = Buffer.alloc(5);
    count[0] = 12;
    count.writeUInt32BE(keys.length, 1);
    return Buffer.concat([count, ...keys.map(({ blob, comment }) => writeStrings(blob, comment))]);
  }
  const blob = message[0] === 13 ? readString(message, 1) : undefined;
  const data = readString(message, blob?.next ?? -1);
  const key = keys.find((each) => blob?.bytes.equals(each.blob) === true);
  if (key === undefined || data === undefined) return Buffer.from([5]);
  return Buffer.concat([Buffer.from([14]), writeStrings(key.sign(data.bytes))]);
}

function pointOf({ x, y }: JsonWebKey): Buffer {
  return Buffer.concat([Buffer.from([4]), field(x), field(y)]);
}

function field(value: string | undefined): Buffer {
  return Buffer.from(value ?? "", "base64url");
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
