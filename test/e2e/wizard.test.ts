/** `porthop wizard` as somebody uses it who knows no flag: from the first question to a forward that works. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { splitShellWords } from "../../src/codec/words/shell-words.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { askForWeb, homeKnowing, keys, restForWeb, Talk } from "./wizard-talk.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh", "script", "stty", "curl", "pgrep"), timeout: 60_000 };
const deleteLine = "\u0015";
const theSshd = shared(() => startSshd());
const theWeb = shared(() => httpServer("the page\n"));

test("From the first question to the page of a web server behind sshd, and Ctrl-C.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  await using talk = new Talk({ home: homeKnowing("vishnu", sshd) });
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/);
  await talk.pick(/Through which server\?[\s\S]*vishnu/);
  await restForWeb(talk, web.port, listen);
  const command = `ssh -N -o ExitOnForwardFailure=yes -L ${listen}:localhost:${web.port} vishnu`;
  await talk.sees(new RegExp(`^${command}$`, "m"));
  await talk.sees(new RegExp(`leg 2: .* -> 127.0.0.1:${sshd.port}, encrypted`));
  await talk.pick(/What now\?/);
  await assertServesUntilCtrlC(talk, listen);
});

test("The command that it shows does the same in OpenSSH, pasted into a shell.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  const home = homeKnowing("vishnu", sshd);
  await using talk = new Talk({ home, columns: 60 });
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/);
  await talk.pick(/Through which server\?/);
  await restForWeb(talk, web.port, listen);
  await talk.pick(/What now\?/, -2);
  assert.equal(await talk.end(), 0);
  const shown = /^ssh (?:.*\\\r?\n)*.*$/m.exec(talk.text)?.[0].replaceAll("\r", "") ?? "";
  assert.ok(shown.includes("\\\n"), "it is too long for one line of 60 columns");
  const bounded = shown.replace("ssh ", `ssh -F ${join(home, ".ssh", "config")} `).replace(" -N", " -f");
  const script = `${bounded} sleep 3 && curl -s http://localhost:${listen}/`;
  const { stdout } = await run("sh", ["-c", script]);
  assert.equal(stdout, "the page\n");
});

test("Ctrl-C at a question, in a list and in a line of text, ends with 130 and a clean terminal.", limits, async () => {
  await using list = new Talk();
  await list.press(/What do you want to do\?/, keys.ctrlC);
  await list.sees(/Cancelled/);
  assert.equal(await list.end(), 130);
  await using line = new Talk();
  await line.pick(/What do you want to do\?/, 2);
  await line.press(/Which server do you log in to\?/, `alice${keys.ctrlC}`);
  assert.equal(await line.end(), 130);
});

test("A signal from outside leaves the terminal clean too.", limits, async () => {
  for (const [signal, code] of [
    ["INT", 130],
    ["TERM", 0],
  ] as const) {
    await using talk = new Talk();
    await talk.sees(/What do you want to do\?/);
    const { stdout } = await run("pgrep", ["-f", "^[^ ]*porthop wizard$"]);
    const pid = stdout.split("\n").find((each) => environmentOf(each).includes(`HOME=${talk.home}\0`));
    assert.ok(pid !== undefined);
    process.kill(Number(pid), `SIG${signal}`);
    assert.equal(await talk.end(), code);
  }
});

test("Escape, the option Back and < each lead to the question before.", limits, async () => {
  await using talk = new Talk();
  await talk.pick(/What do you want to do\?/);
  await talk.press(/What do you want to reach\?/, keys.escape);
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/, -1);
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/, 1);
  await talk.type(/Which server do you log in to\?/, "<");
  // What was chosen is offered again.
  await talk.pick(/What do you want to reach\?[\s\S]*● PostgreSQL/);
  await talk.type(/Which server do you log in to\?/, "alice@vishnu");
  await talk.press(/Where does it run\?/, keys.ctrlC);
  assert.equal(await talk.end(), 130);
});

test("What is no server, with a line that a shell would run, is refused with its reason.", limits, async () => {
  await using talk = new Talk();
  await talk.pick(/What do you want to do\?/, 2);
  for (const [typed, reason] of [
    ["-oProxyCommand=sh", /begins with "-"/],
    ["$(reboot)", /contains "\$"/],
    ["a'b", /contains "'"/],
    ["alice@", /the host is missing/],
    ["vishnu:99999", /is not a port/],
  ] as const) {
    await talk.type(/Which server do you log in to\?/, typed);
    await talk.sees(reason);
    talk.send(deleteLine);
  }
  await talk.type(/Which server do you log in to\?/, "alice@vishnu");
  await talk.press(/Who may connect/, keys.ctrlC);
  assert.equal(await talk.end(), 130);
});

test("A port that is taken is named with its holder, and the next one is offered.", limits, async () => {
  await using holder = await echoServer();
  await using talk = new Talk();
  await talk.pick(/What do you want to do\?/, 2);
  await talk.type(/Which server do you log in to\?/, "vishnu");
  await talk.pick(/Who may connect/);
  await talk.type(/On which port of this machine\?/, String(holder.port));
  const [, free] = await talk.sees(
    new RegExp(`port ${holder.port} is taken by \\w+ \\(pid ${process.pid}\\);\\s+(\\d+) is free`),
  );
  assert.ok(Number(free) > holder.port);
  talk.send(keys.ctrlC);
  assert.equal(await talk.end(), 130);
});

test("The command is copied by the first clipboard tool that works.", limits, async () => {
  const bin = tempDirectory("bin");
  const copied = join(bin, "copied");
  writeFileSync(join(bin, "wl-copy"), "#!/bin/sh\nexit 1\n");
  writeFileSync(join(bin, "xclip"), `#!/bin/sh\necho "$@" >${copied}; cat >>${copied}\n`);
  for (const name of ["wl-copy", "xclip"]) chmodSync(join(bin, name), 0o755);
  const listen = await freePort();
  await using talk = new Talk({ variables: { PATH: `${bin}:${process.env["PATH"]}` } });
  await askForWeb(talk, "alice@vishnu:2222", 80, listen);
  await talk.pick(/What now\?/, 1);
  await talk.sees(/Copied \(by xclip\)/);
  const [flags, line = "", ...more] = readFileSync(copied, "utf8").split("\n");
  assert.deepEqual([flags, more], ["-selection clipboard", []]);
  const forward = `${listen}:localhost:80`;
  const expected = ["ssh", "-N", "-p", "2222", "-o", "ExitOnForwardFailure=yes", "-L", forward, "alice@vishnu"];
  assert.deepEqual(splitShellWords(line), expected);
  // Leave is what Enter takes now.
  await talk.pick(/What now\?/);
  assert.equal(await talk.end(), 0);
});

test("Without a clipboard tool the terminal is asked to take it (OSC 52).", limits, async () => {
  const bin = tempDirectory("bin");
  for (const tool of ["script", "sh", "stty", "tty"]) symlinkSync(findTool(tool) ?? "", join(bin, tool));
  const listen = await freePort();
  await using talk = new Talk({ variables: { PATH: bin } });
  await askForWeb(talk, "alice@vishnu", 80, listen);
  await talk.pick(/What now\?/, 1);
  await talk.sees(/Handed to the terminal/);
  const base64 = talk.screen.raw.split("\u001b]52;c;")[1]?.split("\u0007")[0] ?? "";
  const line = `ssh -N -o ExitOnForwardFailure=yes -L ${listen}:localhost:80 alice@vishnu`;
  assert.equal(Buffer.from(base64, "base64").toString("utf8"), line);
  await talk.pick(/What now\?/);
  assert.equal(await talk.end(), 0);
});

test("One answer is changed, and only what follows from it is asked again.", limits, async () => {
  const listen = await freePort();
  await using talk = new Talk();
  await askForWeb(talk, "alice@vishnu", 8081, listen);
  await talk.pick(/What now\?/, 5);
  await talk.pick(/Which answer\?/, 2);
  await talk.type(/Which server do you log in to\?/, "bob@brahma");
  // The question where it runs names the server: it is another one now.
  await talk.pick(/Where does it run\?[\s\S]*On brahma itself/);
  await talk.sees(new RegExp(`^ssh .* -L ${listen}:localhost:8081 bob@brahma$`, "m"));
  await talk.pick(/What now\?/, -2);
  assert.equal(await talk.end(), 0);
});

test(
  "It shows the same as a unit, a Host block and a line of PuTTY, as porthop command prints it.",
  limits,
  async () => {
    const listen = await freePort();
    await using talk = new Talk();
    await askForWeb(talk, "alice@vishnu", 80, listen);
    await talk.pick(/What now\?/, 4);
    await talk.pick(/For which program\?/);
    await talk.sees(new RegExp(`ExecStart=/usr/bin/ssh -N .* -L ${listen}:localhost:80 alice@vishnu`));
    await talk.pick(/What now\?/, -2);
    await talk.pick(/For which program\?/, 2);
    await talk.sees(/plink -ssh -N -L/);
    await talk.pick(/What now\?/, -2);
    await talk.pick(/For which program\?/, 3);
    await talk.sees(/^Host vishnu-tunnel$[\s\S]*ExitOnForwardFailure yes/m);
    await talk.pick(/What now\?/);
    assert.equal(await talk.end(), 0);
  },
);

for (const variables of [{ NO_COLOR: "1" }, { TERM: "dumb" }] as const) {
  test(`With ${JSON.stringify(variables)} no colour is written.`, limits, async () => {
    await using talk = new Talk({ variables });
    await talk.sees(/What do you want to do\?/);
    talk.screen.send(keys.ctrlC);
    assert.equal(await talk.end(), 130);
    assert.doesNotMatch(talk.screen.raw.replaceAll("\u001b", "ESC"), /ESC\[[0-9;]*m/);
  });
}

test("On a dumb terminal it asks line by line, without moving the cursor.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  await using talk = new Talk({ home: homeKnowing("vishnu", sshd), columns: 60, variables: { TERM: "dumb" } });
  await talk.type(/What do you want to do\?[\s\S]*Number \[1\]: /, "");
  await talk.type(/Number \[1\], < for back: /, "nonsense");
  await talk.type(/! that is not on the list[\s\S]*Number/, "1");
  await talk.type(/Through which server\?[\s\S]*Number/, "<");
  await talk.type(/What do you want to reach\?[\s\S]*Number/, "");
  await talk.type(/Through which server\?[\s\S]*Number/, "1");
  await talk.type(/Where does it run\?[\s\S]*Number/, "");
  await talk.type(/On which port does it listen\?[\s\S]*Number/, "4");
  await talk.type(/Which port is it\?[\s\S]*Answer/, String(web.port));
  await talk.type(/Who may connect[\s\S]*Number/, "");
  await talk.type(/On which port of this machine\?[\s\S]*Answer/, String(listen));
  await talk.type(/Anything else\?[\s\S]*Number/, "");
  await talk.type(/What now\?[\s\S]*Number/, "");
  await assertServesUntilCtrlC(talk, listen);
  assert.equal(talk.screen.raw.includes("\u001b"), false);
});

test("No line is wider than 60 columns, but for what has to be copied in one piece.", limits, async () => {
  const listen = await freePort();
  await using talk = new Talk({ columns: 60 });
  await askForWeb(talk, "alice@a-server-with-a-long-name.example.org", 80, listen);
  await talk.pick(/What now\?/, -2);
  assert.equal(await talk.end(), 0);
  // Where a line is drawn again it stands behind itself here.
  const lines = talk.text.split("\n").flatMap((line) => line.replace(/\r/g, "").split(/(?=[│◆◇└])/));
  const wide = lines.filter((line) => line.length > 60 && !line.includes("a-server-with-a-long-name"));
  assert.deepEqual(wide, []);
});

test("A reason that is longer than the window goes on beside the bar.", limits, async () => {
  await using talk = new Talk({ columns: 60 });
  await talk.pick(/What do you want to do\?/, 2);
  await talk.type(/Which server do you log in to\?/, "a-server-with-a-long-name.example.org:70000");
  const [said] = await talk.sees(/└ {2}destination .*(?:\r?\n {3}\S.*){1,3}to 65535\)/);
  assert.deepEqual(
    said.split(/\r?\n/).filter((line) => line.length > 60),
    [],
  );
  talk.send(keys.ctrlC);
  assert.equal(await talk.end(), 130);
});

test(
  "On a dumb terminal Ctrl-C leaves the prompt of the shell a line of its own, and no Esc is spoken of.",
  limits,
  async () => {
    await using talk = new Talk({ variables: { TERM: "dumb" } });
    await talk.sees(/offered, < goes back, Ctrl-C leaves\.[\s\S]*Number \[1\]: $/);
    talk.send(keys.ctrlC);
    await talk.sees(/\r?\nCancelled\.\r?\nended with 130/);
    assert.equal(await talk.end(), 130);
  },
);

test("On a terminal that does not know its width no question is written letter below letter.", limits, async () => {
  await using talk = new Talk({ columns: 0 });
  await talk.sees(/What do you want to do\?[\s\S]*Number \[1\]: $/);
  talk.send(keys.ctrlC);
  assert.equal(await talk.end(), 130);
});

test("A relay is set up and runs, without a server and without ssh.", limits, async () => {
  const web = await theWeb();
  const listen = await freePort();
  await using talk = new Talk();
  await talk.pick(/What do you want to do\?/, 4);
  await talk.type(/To which machine shall the connections go\?/, "127.0.0.1");
  await talk.type(/To which port there\?/, String(web.port));
  await talk.pick(/Who may connect to it here\?/);
  await talk.type(/On which port of this machine\?/, String(listen));
  await talk.pick(/Anything else\?/);
  await talk.pick(/What now\?/);
  await assertServesUntilCtrlC(talk, listen);
});

test("In the background it goes on after the wizard has ended.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const listen = await freePort();
  await using talk = new Talk({ home: homeKnowing("vishnu", sshd) });
  await talk.pick(/What do you want to do\?/, 2);
  await talk.pick(/Through which server\?/);
  await talk.pick(/Who may connect to it here\?/);
  await talk.type(/On which port of this machine\?/, String(listen));
  await talk.pick(/Anything else\?/, 4);
  await talk.pick(/Anything more\?/);
  await talk.pick(/What now\?[\s\S]*Run it now \(with porthop, in the background\)/);
  const [, pid] = await talk.sees(/in the background as pid (\d+)/);
  try {
    assert.equal(await talk.end(), 0);
    const proxied = ["-s", "-x", `socks5h://127.0.0.1:${listen}`, `http://localhost:${web.port}/`];
    assert.equal((await run("curl", proxied)).stdout, "the page\n");
  } finally {
    process.kill(Number(pid));
  }
});

test("What the session has to ask is asked at the same terminal.", limits, async () => {
  const sshd = await theSshd();
  await using talk = new Talk();
  await talk.pick(/What do you want to do\?/, 2);
  await talk.type(/Which server do you log in to\?/, `alice@127.0.0.1:${sshd.port}`);
  await talk.pick(/Who may connect to it here\?/);
  await talk.type(/On which port of this machine\?/, String(await freePort()));
  await talk.pick(/Anything else\?/);
  await talk.pick(/What now\?/);
  await talk.sees(/^Are you sure you want to continue connecting .*\? $/m);
  talk.send("no\r");
  assert.equal(await talk.end(), 255);
  assert.match(talk.text, /ssh\.host-key-unknown/);
});

test("Without a terminal it says which command to use instead, and ends with 2.", limits, async () => {
  await using program = porthop(["wizard"]);
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^porthop: the wizard needs a terminal: .*porthop command.*\[usage\]\n.*porthop run --help/);
});

test("A host of the configuration with an unreadable file beside it is no reason not to ask.", limits, async () => {
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(join(home, ".ssh", "config"), 'Host "broken\nHost fine *.wild -dash\n', { mode: 0o600 });
  await using talk = new Talk({ home });
  await talk.pick(/What do you want to do\?/, 2);
  await talk.press(/Through which server\?[\s\S]*Enter: confirm/, keys.ctrlC);
  assert.match(talk.text, /fine/);
  assert.doesNotMatch(talk.text, /wild|dash/);
  assert.equal(await talk.end(), 130);
});

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    // It has ended meanwhile, or there is no pid.
    return "";
  }
}

async function assertServesUntilCtrlC(talk: Talk, port: number): Promise<void> {
  await talk.sees(/ready: press Ctrl-C to stop/);
  const { stdout } = await run("curl", ["-s", `http://localhost:${port}/`]);
  assert.equal(stdout, "the page\n");
  talk.screen.send(keys.ctrlC);
  assert.equal(await talk.end(), 130);
}
