import assert from "node:assert/strict";
import { test } from "node:test";
import { readRelaySettings } from "../../../src/config/relay-settings.ts";
import { PorthopError } from "../../../src/errors.ts";

const refused = (words: readonly string[], says: RegExp) =>
  assert.throws(
    () => readRelaySettings(words),
    (error) =>
      error instanceof PorthopError &&
      error.code === "usage" &&
      error.hint === "porthop relay --help shows the flags" &&
      says.test(error.message),
  );

test("Several -L are relays with names in their order.", () => {
  const { forwards } = readRelaySettings(["-L", "8080:intranet:80", "-L", "/run/a.sock:/run/b.sock"]);
  assert.deepEqual(
    forwards.map(({ id, kind, listen, connect }) => ({ id, kind, listen, connect })),
    [
      {
        id: "L1",
        kind: "relay",
        listen: { host: "localhost", port: 8080 },
        connect: { host: "intranet", port: 80 },
      },
      { id: "L2", kind: "relay", listen: { path: "/run/a.sock" }, connect: { path: "/run/b.sock" } },
    ],
  );
});

test("-g and GatewayPorts open what has no bind address.", () => {
  for (const words of [["-g"], ["-o", "GatewayPorts=yes"]]) {
    const { forwards } = readRelaySettings([...words, "-L", "8080:intranet:80", "-L", "localhost:8081:intranet:80"]);
    assert.deepEqual(
      forwards.map(({ listen }) => listen !== undefined && "host" in listen && listen.host),
      ["*", "localhost"],
    );
  }
});

test("-4 and -6 are the family, the last one wins as with ssh.", () => {
  assert.equal(readRelaySettings(["-4", "-6"]).keywords.text("AddressFamily"), "inet6");
});

test("What run and relay share is read alike.", () => {
  const settings = readRelaySettings(["-qf", "--json", "--grace", "1s", "--rate-limit", "1MB/s"]);
  const { logLevel, background, json, graceMs, plugins } = settings;
  assert.deepEqual([logLevel, background, json, graceMs], ["error", true, true, 1000]);
  assert.deepEqual(
    plugins.map(({ name }) => name),
    ["limit"],
  );
});

test("What needs a session is refused by its name, with its value.", () => {
  refused(["-p", "22"], /^-p 22: a relay has no ssh session, and so not this flag$/);
  refused(["-D1080"], /^-D1080: a relay has no ssh session/);
  refused(["--no-nagle-cure"], /^--no-nagle-cure: a relay has no ssh session/);
  refused(["--ask-server"], /^--ask-server: a relay has no ssh session/);
  refused(["-o", "User=alice"], /^-o User: a relay has no ssh session, and so not this keyword$/);
  refused(["-o", "Colour=red"], /porthop does not have this keyword/);
});

test("A host, and a command, are a word too many.", () => {
  refused(["alice@server"], /^a relay logs in to nobody: alice@server is one word too many$/);
  refused(["server", "sleep", "9"], /^a relay logs in to nobody: server sleep 9 is/);
});

test("Variables are filled into the forwards of a relay too.", () => {
  const words = ["-L", `$${"{PORT}"}:a:80`];
  assert.deepEqual(readRelaySettings(words, { PORT: "8080" }).forwards[0]?.listen, { host: "localhost", port: 8080 });
  refused(words, /^-L \$\{PORT\}:a:80: .*the environment has no "PORT"$/);
});
