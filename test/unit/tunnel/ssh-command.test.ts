import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { printJump, printJumps, sshPieces, sshWords } from "../../../src/tunnel/ssh-command.ts";
import { plainTunnel } from "../../../src/tunnel/tunnel-description.ts";

const words = (text: string) => sshWords(describeTunnel(text.split(" "))).join(" ");

for (const [given, printed] of [
  ["-L 8080:localhost:80 alice@server:2222", "-N -p 2222 -L 8080:localhost:80 alice@server"],
  ["-fNCL8080:localhost:80 -lalice server", "-N -f -C -L 8080:localhost:80 alice@server"],
  ["-D1080 -J a:1,b@[::1] ssh://x@[::2]:3/", "-N -p 3 -J a:1,b@[::1] -D 1080 x@::2"],
  ["-W db:5432 server", "-W db:5432 server"],
  ["-R 1080 -T server", "-N -T -R 1080 server"],
  ["-L 1:a:1 -t server", "-t -L 1:a:1 server"],
  ["-L 1:a:1 server sleep 300", "-L 1:a:1 server sleep 300"],
  ["-L 1:a:1 server -- -x y", "-L 1:a:1 server -- -x y"],
  ["-t -o RequestTTY=yes -L 1:a:1 server", "-t -o RequestTTY=yes -L 1:a:1 server"],
  ["-N -o SessionType=default -L 1:a:1 server", "-N -o SessionType=default -L 1:a:1 server"],
  ["-L 1:a:1 -tt server top", "-t -t -L 1:a:1 server top"],
  ["-i k -o IdentityFile=j -o compression=yes -L 1:a:1 s", "-N -i k -o IdentityFile=j -o Compression=yes -L 1:a:1 s"],
  ["-J none -F none -L 1:a:1 s", "-N -F none -J none -L 1:a:1 s"],
  ["-o SessionType=none -L 1:a:1 s", "-o SessionType=none -L 1:a:1 s"],
  ["-p 22 host", "-p 22 host"],
] as const) {
  test(`${given} is ssh ${printed}, and that is itself.`, () => {
    assert.equal(words(given), printed);
    assert.equal(words(printed), printed);
  });
}

test("Each piece says on one line what it is for.", () => {
  const tunnel = describeTunnel(
    "-f -C -g -p 2 -J b -i k -o ExitOnForwardFailure=yes -o X=y -L 1:a:1 -R 2:b:2 -D 3 -R 4 -t u@s top".split(" "),
  );
  const pieces = sshPieces(tunnel);
  for (const { about } of pieces) assert.match(about, /^[^\n]{4,80}$/);
  const about = (word: string) => pieces.find(({ words }) => words.includes(word))?.about;
  assert.equal(about("1:a:1"), "listen on 1 here; the server connects to a:1");
  assert.equal(about("2:b:2"), "listen on 2 of the server; this machine connects to b:2");
  assert.equal(about("4"), "a SOCKS proxy on 4 of the server; this machine connects");
});

test("A word that no line can carry is refused.", () => {
  const tunnel = { ...plainTunnel("host", []), remote: { kind: "command", words: ["a\nb"] } } as const;
  assert.throws(() => sshWords(tunnel), /no pasted line can carry/);
});

test("An IPv6 jump host stands in brackets, with a port and without.", () => {
  assert.equal(printJump({ user: "u", host: "::1", port: undefined }), "u@[::1]");
  assert.equal(printJump({ user: undefined, host: "work/box", port: 22 }), "[work/box]:22");
  assert.equal(
    printJumps([
      { user: undefined, host: "::1", port: 2 },
      { user: undefined, host: "b", port: undefined },
    ]),
    "[::1]:2,b",
  );
  assert.equal(printJumps([]), "none");
});

test("A variable of a forward stays as it was written.", () => {
  const around = { fillVariables: (text: string) => text.replace(/\$\{DIR\}/, "/run"), hasHost: () => false };
  const written = `$${"{DIR}"}/x:a:1`;
  assert.deepEqual(sshWords(describeTunnel(["-L", written, "host"], around)), ["-N", "-L", written, "host"]);
});
