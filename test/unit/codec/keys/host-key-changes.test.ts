import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editLines, hostKeyChanges } from "../../../../src/codec/keys/host-key-changes.ts";
import { parseKnownHosts } from "../../../../src/codec/keys/known-hosts.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";

const types = ["ssh-ed25519", "ssh-rsa"];
const key = (name: string, type = "ssh-ed25519") => writeStrings(type, name);
const line = (hosts: string, name: string, type = "ssh-ed25519") =>
  `${hosts} ${type} ${key(name, type).toString("base64")}`;

/** `fresh +a`, `obsolete 0:2` (file and line), or the obstacle. */
function changes(files: readonly string[], keys: readonly string[], name = "vishnu") {
  const found = hostKeyChanges(
    files.map(parseKnownHosts),
    name,
    keys.map((each) => key(each)),
    types,
  );
  if (found.obstacle !== undefined) return found.obstacle;
  const fresh = found.fresh.map((blob) => keys.find((each) => key(each).equals(blob)));
  return { fresh, obsolete: found.obsolete.map(({ file, entry }) => `${file}:${entry.line}`) };
}

test("What the server has and no file is new, what a file has and not the server is obsolete.", () => {
  assert.deepEqual(changes([line("vishnu", "a")], ["a"]), { fresh: [], obsolete: [] });
  assert.deepEqual(changes([line("vishnu", "a")], ["a", "b"]), { fresh: ["b"], obsolete: [] });
  const first = `# comment\n${line("vishnu", "a")}\n${line("vishnu", "old")}`;
  const second = `${line("vishnu", "older")}\n${line("brahma", "else")}`;
  assert.deepEqual(changes([first, second], ["a", "b"]), { fresh: ["b"], obsolete: ["0:3", "1:1"] });
});

test("Keys of types that cannot be judged are never obsolete.", () => {
  const text = `${line("vishnu", "a")}\n${line("vishnu", "x", "ssh-xmss@openssh.com")}`;
  assert.deepEqual(changes([text], ["a"]), { fresh: [], obsolete: [] });
});

test("A name with its address is one host, anything more is left alone.", () => {
  for (const hosts of ["vishnu", "vishnu,192.0.2.1", "vishnu,2001:db8::1"]) {
    assert.deepEqual(changes([line(hosts, "old")], ["a"]), { fresh: ["a"], obsolete: ["0:1"] }, hosts);
  }
  assert.deepEqual(changes([line("[vishnu]:2222,[192.0.2.1]:2222", "a")], ["a"], "[vishnu]:2222"), {
    fresh: [],
    obsolete: [],
  });
  for (const hosts of ["vish*", "vishn?", "vishnu,!brahma", "vishnu,brahma", "vishnu,brahma,192.0.2.1"]) {
    assert.equal(changes([line(hosts, "a")], ["a", "b"]), "a line of it speaks of several hosts", hosts);
  }
});

test("Authorities, revoked keys and other names for the same keys stop it.", () => {
  const own = line("vishnu", "a");
  for (const marker of ["@cert-authority", "@revoked"]) {
    const text = `${own}\n${marker} ${line("*", "ca")}`;
    assert.equal(changes([text], ["a", "b"]), "an authority or a revoked key is named for it");
  }
  assert.equal(changes([own, line("alias", "b")], ["a", "b"]), "its keys are known under other names too");
  const shared = `${own}\n${line("vishnu", "old")}\n${line("alias", "old")}`;
  assert.equal(changes([shared], ["a"]), "its old keys are known under other names too");
});

test("Only the lines that are named go, and each byte of the others stays.", () => {
  const edited = (text: string, remove: number[], add: string[]) =>
    editLines(Buffer.from(text, "latin1"), new Set(remove), add).toString("latin1");
  assert.equal(edited("one\ntwo\nthree\n", [2], []), "one\nthree\n");
  assert.equal(edited("one\r\ntwo", [], ["three"]), "one\r\ntwo\nthree\n");
  assert.equal(edited("\xff\xfe\n\nlast", [2], []), "\xff\xfe\nlast");
  assert.equal(edited("", [], ["one"]), "one\n");
  assert.equal(edited("one\n", [1], ["two"]), "two\n");
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ -~\x80-\xff]{0,9}$/), { minLength: 1 }), fc.nat(), (lines, at) => {
      const index = at % lines.length;
      const rest = lines.filter((_line, number) => number !== index);
      assert.equal(edited(lines.join("\n"), [index + 1], []), rest.join("\n"));
    }),
  );
});
