import assert from "node:assert/strict";
import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { test } from "node:test";
import { parseKeyList } from "../../../../src/codec/keys/key-list.ts";
import { curves } from "../../../../src/codec/keys/ssh-signature.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";

const ed25519 = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const text = (blob: Buffer) => `${blob.toString("latin1", 4, 4 + blob.readUInt32BE())} ${blob.toString("base64")}`;

function ecdsa({ type, name, jwk }: (typeof curves)[number]): Buffer {
  const { x = "", y = "" }: JsonWebKey = generateKeyPairSync("ec", { namedCurve: jwk }).publicKey.export({
    format: "jwk",
  });
  return writeStrings(
    type,
    name,
    Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]),
  );
}

test("Keys are found on their lines, whatever blanks, comments and line ends are around them", () => {
  const { keys, unreadable } = parseKeyList(
    ["# retired", "", " \t ", `\t${text(ed25519).replace(" ", " \t ")} a comment\r`, text(ed25519)].join("\n"),
  );
  assert.deepEqual(unreadable, []);
  assert.deepEqual(
    keys.map(({ line, blob, key }) => [line, blob.equals(ed25519), key.equals(ed25519)]),
    [
      [4, true, true],
      [5, true, true],
    ],
  );
});

test("All kinds of keys that ssh knows may stand there", () => {
  for (const blob of [
    ...curves.map(ecdsa),
    writeStrings("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(96, 3)),
    writeStrings("ssh-dss", ...[1, 2, 3, 4].map((byte) => Buffer.alloc(20, byte))),
    writeStrings("sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 7), "ssh:"),
  ]) {
    const { keys, unreadable } = parseKeyList(text(blob));
    assert.deepEqual([keys[0]?.key, unreadable], [blob, []]);
  }
});

test("A certificate stands for the key in it", () => {
  const blob = writeCertificate({ publicKey: Buffer.alloc(32, 7) });
  const [key] = parseKeyList(text(blob)).keys;
  assert.deepEqual([key?.blob, key?.key, key?.certificate?.role], [blob, ed25519, "user"]);
});

test("Each line that is no whole key is told with its number, and hides no other", () => {
  const point = ecdsa(curves[0] ?? assert.fail());
  point[point.length - 1] = (point.at(-1) ?? 0) ^ 1;
  const broken = [
    "\r",
    "nonsense",
    "ssh-ed25519",
    "ssh-ed25519 !!!!",
    `ssh-rsa ${ed25519.toString("base64")}`,
    text(ed25519).slice(0, -1),
    text(ed25519.subarray(0, -3)),
    text(Buffer.concat([ed25519, Buffer.from("xyz")])),
    text(writeStrings("ssh-new", "a key")),
    text(writeStrings("ssh-rsa", Buffer.from([3]))),
    text(writeStrings("ssh-rsa", Buffer.from([3]), Buffer.alloc(96, 3), "more")),
    text(point),
    text(writeCertificate({}).subarray(0, -1)),
    `vishnu ${text(ed25519)}`,
    `no-pty ${text(ed25519)}`,
    "-----BEGIN PUBLIC KEY-----",
  ];
  const { keys, unreadable } = parseKeyList([...broken, text(ed25519)].join("\n"));
  assert.deepEqual(
    keys.map(({ line }) => line),
    [broken.length + 1],
  );
  assert.deepEqual(
    unreadable.map(({ line }) => line),
    broken.map((_, index) => index + 1),
  );
});
