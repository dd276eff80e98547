import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "ssh2";
import { PorthopError } from "../../../../src/errors.ts";
import { viewOf } from "../../../../src/ssh/ssh2/view-check.ts";
import { ssh2 } from "../../../kit/loaded-ssh2.ts";
import { sourceFiles } from "../../../kit/source-file.ts";
import { unheardClient } from "../../../kit/unheard-client.ts";

type See = (path: string, value: unknown) => { readonly has: boolean; readonly value: unknown };

/** The same object for whoever looks at it, save for what `see` says of its parts: `_protocol._handlers`. */
function seen<T extends object>(whole: T, see: See, prefix = ""): T {
  const at = (name: string | symbol) => see(`${prefix}${String(name)}`, Reflect.get(whole, name));
  return new Proxy(whole, {
    has: (_whole, name) => Reflect.has(whole, name) && at(name).has,
    get: (_whole, name) => {
      const { value } = at(name);
      const isPlain = typeof value === "object" && value !== null && !Array.isArray(value);
      return isPlain ? seen(value, see, `${prefix}${String(name)}.`) : value;
    },
  });
}

const without = (client: Client, missing: string): Client =>
  seen(client, (path, value) => ({ has: path !== missing, value: path === missing ? undefined : value }));

/** All that is looked for, shown by what is looked at; the last of `_protocol._cipher` and `_protocol._cipher.encrypt`. */
function pathsLookedFor(): readonly string[] {
  const paths = new Set<string>();
  viewOf(
    seen(unheardClient(), (path, value) => {
      paths.add(path);
      return { has: true, value };
    }),
  );
  return [...paths].filter((path) => ![...paths].some((other) => other.startsWith(`${path}.`)));
}

function refusal(client: Client): PorthopError {
  try {
    viewOf(client);
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return error;
  }
  throw new Error("it passed");
}

test("The client of the ssh2 that is installed passes, and is its own view.", () => {
  const client = unheardClient();
  assert.equal(viewOf(client) as object, client);
});

test("Without any one of the parts that are looked for a client is refused, in one line that names it, with a hint.", () => {
  const paths = pathsLookedFor();
  assert.ok(paths.length > 60, `${paths.length} parts`);
  for (const path of paths) {
    const { code, message, hint } = refusal(without(unheardClient(), path));
    assert.equal(message, `this ssh2 is not the 1.17.0 that porthop is made for: it has no Client.${path}`);
    assert.deepEqual([code, hint], ["internal", "in porthop's folder, npm ci installs the right one"]);
  }
});

test("Whatever view.ts has of a client, its protocol and its handlers is looked for.", () => {
  const paths = pathsLookedFor();
  const whole = (path: string) => paths.includes(path) || paths.some((each) => each.startsWith(`${path}.`));
  const members = {
    ...{ ClientView: "", ChannelTable: "_chanMgr.", ProtocolView: "_protocol.", Sends: "_protocol." },
    Handlers: "_protocol._handlers.",
  };
  for (const [name, prefix] of Object.entries(members)) {
    const found = membersOf(name);
    assert.ok(found.length > 1, name);
    assert.deepEqual(
      found.filter((member) => !whole(`${prefix}${member}`)),
      [],
      `${name} has parts that are not looked for`,
    );
  }
});

/** The members of an interface of view.ts that must be there, by its text. */
function membersOf(name: string): readonly string[] {
  const text = sourceFiles("src/ssh/ssh2").find(({ path }) => path.endsWith("/view.ts"))?.text ?? "";
  const [, body = ""] = new RegExp(`^export interface ${name}\\b[^\\n]*\\{\\n(.*?)^\\}`, "ms").exec(text) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)(?:\(|:)/gm)].map(([, member = ""]) => member);
}

test("A part of another kind is as good as none.", () => {
  for (const [path, value] of [
    ["_callbacks", {}],
    ["_chanMgr.add", 7],
    ["_acceptX11", undefined],
    ["_protocol._server", "false"],
    ["_protocol.ping", {}],
    ["_protocol._handlers.CHANNEL_OPEN", null],
    ["_protocol._offer.lists.cs.mac.array", "hmac-sha2-256"],
  ] as const) {
    const changed = seen(unheardClient(), (at, found) => ({ has: true, value: at === path ? value : found }));
    assert.match(refusal(changed).message, new RegExp(`: it has no Client\\.${path.replaceAll(".", "\\.")}$`));
  }
});

test("Of a client that is quite another one the first part is named, and how many more there are.", () => {
  const more = pathsLookedFor().length - 1;
  assert.ok(refusal({} as Client).message.endsWith(`: it has no Client._callbacks and ${more} more`));
});

test("A client that has not begun to connect is none to take hold of.", () => {
  assert.match(refusal(new ssh2.Client()).message, /: it has no Client\._callbacks and \d+ more$/);
});
