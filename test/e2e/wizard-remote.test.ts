/** `porthop wizard` for what the server listens on: shown by this side, or reached through it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { run } from "../kit/run.ts";
import { freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { homeKnowing, keys, Talk } from "./wizard-talk.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "script", "stty", "curl"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theWeb = shared(() => httpServer("the page\n"));

test("A web server of this side is shown on the server's, and each step leads back.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  await using talk = new Talk({ home: homeKnowing("vishnu", sshd), columns: 60 });
  await talk.pick(/What do you want to do\?/, 1);
  await talk.pick(/What do you want to show\?/);
  await talk.pick(/Where does it run\?/);
  await talk.pick(/On which port does it listen\?/, 4);
  await talk.type(/Which port is it\?/, "<");
  await talk.press(/On which port does it listen\?/, keys.escape);
  await talk.pick(/Where does it run\?/, -1);
  await talk.pick(/What do you want to show\?/);
  await talk.pick(/Where does it run\?/);
  // What was chosen is offered again.
  await talk.pick(/On which port does it listen\?[\s\S]*● Another one/);
  await talk.type(/Which port is it\?/, String(web.port));
  await talk.pick(/Through which server\?/);
  await talk.type(/Who may connect to it on vishnu\?/, "");
  await talk.type(/On which port of vishnu\?/, "<");
  await talk.pick(/Who may connect to it on vishnu\?/);
  await talk.type(/On which port of vishnu\?/, String(listen));
  await talk.pick(/Anything else\?/, -1);
  await talk.type(/On which port of vishnu\?/, "");
  await talk.pick(/Anything else\?/);
  await talk.sees(new RegExp(`-R ${listen}:localhost:${web.port} vishnu$`, "m"));
  await talk.pick(/What now\?/, -1);
  await talk.pick(/Anything else\?/);
  await runsAndGets(talk, [`http://127.0.0.1:${listen}/`]);
});

test("The server's side reaches out through this one.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  await using talk = new Talk({ home: homeKnowing("vishnu", sshd) });
  await talk.pick(/What do you want to do\?/, 3);
  await talk.pick(/Through which server\?/);
  await talk.pick(/Who may connect to it on vishnu\?/);
  await talk.type(/On which port of vishnu\?/, String(listen));
  await talk.pick(/Anything else\?/);
  await talk.sees(new RegExp(`^ssh .* -R ${listen} vishnu$`, "m"));
  await runsAndGets(talk, ["-x", `socks5h://127.0.0.1:${listen}`, `http://127.0.0.1:${web.port}/`]);
});

async function runsAndGets(talk: Talk, words: readonly string[]): Promise<void> {
  await talk.pick(/What now\?/);
  await talk.sees(/ready: press Ctrl-C to stop/);
  assert.equal((await run("curl", ["-s", "--max-time", "20", ...words])).stdout, "the page\n");
  talk.screen.send(keys.ctrlC);
  assert.equal(await talk.end(), 130);
}
