import assert from "node:assert/strict";
import { test } from "node:test";
import { isSpelledOut, plainWords, readPasted } from "../../../src/config/pasted-command.ts";
import { PorthopError } from "../../../src/errors.ts";

const asGiven = ["-L", "8080:localhost:80", "host"];

for (const [words, program, plain] of [
  [["ssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["$ ssh -L 8080:localhost:80 host\n"], "ssh", asGiven],
  [["# ssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["user@laptop:~/src$ ssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["[root@laptop ~]# ssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["PS C:\\Users\\me> ssh.exe -L 8080:localhost:80 host"], "ssh", asGiven],
  [["# the web, by ssh\nssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["AUTOSSH_GATETIME=0 AUTOSSH_POLL=60 autossh -M 0 -L 8080:localhost:80 host"], "ssh", asGiven],
  [["  /usr/bin/ssh -L 8080:localhost:80 host"], "ssh", asGiven],
  [["ssh.exe -L 8080:localhost:80 host"], "ssh", asGiven],
  [["ssh \\\n  -L '8080:localhost:80' host # the web"], "ssh", asGiven],
  [["autossh -M 20000 -f -L 8080:localhost:80 host"], "ssh", ["-f", ...asGiven]],
  [["autossh -M0 -L 8080:localhost:80 host"], "ssh", asGiven],
  [["porthop run -L 8080:localhost:80 host"], "porthop", asGiven],
  [["ssh", ...asGiven], "ssh", asGiven],
  [["autossh", "-M", "0", ...asGiven], "ssh", asGiven],
  [asGiven, "porthop", asGiven],
  [["--capture", "x.pcap", "ssh -L 8080:localhost:80 host"], "ssh", ["--capture", "x.pcap", ...asGiven]],
  [["ssh -L 1:a:1 host sleep 3", "--capture", "x"], "ssh", ["--capture", "x", "-L", "1:a:1", "host", "sleep", "3"]],
  [["-L", "1:a:1", "host", "ssh other"], "porthop", ["-L", "1:a:1", "host", "ssh other"]],
  [["-i", "ssh key", "-L", "1:a:1", "host"], "porthop", ["-i", "ssh key", "-L", "1:a:1", "host"]],
  [["-L", "1:a:1", "my user@host"], "porthop", ["-L", "1:a:1", "my user@host"]],
] as const) {
  test(`${JSON.stringify(words)} are the words ${JSON.stringify(plain)} of ${program}.`, () => {
    assert.deepEqual(readPasted(words), { program, command: "run", words: plain });
  });
}

test("A relay is read as one, but run does not take it.", () => {
  assert.deepEqual(readPasted(["porthop relay -L 1:a:1"]), {
    program: "porthop",
    command: "relay",
    words: ["-L", "1:a:1"],
  });
  assert.throws(() => plainWords(["porthop relay -L 1:a:1"]), /porthop relay takes it/);
});

test("run takes a command that is one word; words that stand by themselves are a host and its command.", () => {
  assert.deepEqual(plainWords(["ssh -L 8080:localhost:80 host"]), asGiven);
  assert.deepEqual(plainWords(["ssh", "-L", "1:a:1"]), ["ssh", "-L", "1:a:1"]);
  assert.deepEqual(plainWords([]), []);
});

for (const [text, message, hint] of [
  ["gcloud compute ssh vm -- -L 1:a:1", /begins with gcloud/, /--dry-run/],
  ["vagrant ssh -- -L 1:a:1", /begins with vagrant/, /ssh-config/],
  ["tailscale ssh me@host", /begins with tailscale/, /take tailscale away/],
  ["$ mosh me@host", /begins with mosh/, /say it as ssh/],
  ["sudo ssh -L 1:a:1 h", /sudo before ssh/, /below port 1024/],
  ["sshpass -p secret ssh h", /sshpass before ssh/, /porthop asks for it/],
  ["nohup ssh h", /nohup before ssh/, /-f goes to the background/],
  ["LANG=C ssh h", /LANG=C before ssh/, /in a line of its own/],
  ["plink -L 1:a:1 h", /plink before ssh/, /-P is -p/],
  ["ssh h; reboot", /means something to a shell/, /plain command/],
  ["ssh $(id) h", /means something to a shell/, /plain command/],
  ["ssh -L 8080:$HOME:80 alice@server", /^"\$HOME" means something to a shell/, /plain command/],
  [`ssh -L 8080:\${A_HOST}:80 alice@server`, /^"\$\{A_HOST\}" means something to a shell/, /plain command/],
  ["ssh -L 1:a:1 h &", /"&" means something to a shell/, /leave the & away: -f/],
  ["ssh -L 1:a:1 <user>@<host>", /means something to a shell/, /your own names/],
  ["time ssh h", /time before ssh/, /^take it away$/],
  ["env LANG=C ssh h", /env before ssh/, /in a line of its own/],
  ["porthop stop all", /only run and relay/, /plain command/],
  ["$ ls -l", /begins with ssh/, /plain command/],
] as const) {
  test(`${text} is refused with a hint.`, () => {
    assert.throws(
      () => plainWords([text]),
      (error) =>
        error instanceof PorthopError && error.code === "usage" && message.test(error.message) && hint.test(error.hint),
    );
  });
}

for (const text of [
  "ssh –N –L 8080:localhost:80 host",
  "ssh —L 8080:localhost:80 host",
  "ssh -L ‘8080:localhost:80’ host",
  "ssh -o “ServerAliveInterval=30” host",
  "ssh -N ‘host’",
  "ssh\u00a0-N -L 8080:localhost:80 host",
  "ssh -N -L\u00a08080:localhost:80 host",
  "ssh -N\u00a0-L 8080:localhost:80 host",
  "ssh -L 8080:localhost:80\u00a0host",
  "ssh -L 8080:localhost:80 host –N",
  "autossh -M 0 –N host",
  "porthop run –L 8080:localhost:80 host",
]) {
  test(`${JSON.stringify(text)}, as a web page shows it, is no host called after a dash.`, () => {
    const isSaid = (error: unknown) =>
      error instanceof PorthopError && error.code === "usage" && /that looks like .* type it anew$/.test(error.message);
    assert.throws(() => readPasted([text]), isSaid);
    assert.throws(() => plainWords([text]), isSaid);
  });
}

test("The same is said of words that a shell has cut: porthop run –L ...", () => {
  assert.throws(() => plainWords(["–L", "8080:localhost:80", "host"]), /looks like a "-"/);
  assert.throws(() => readPasted(["–L", "8080:localhost:80", "host"]), /looks like a "-"/);
});

test("A file and a command on the server may be called what they like.", () => {
  const words = ["-i", "/home/bob/at 3.10\u202fPM.key", "host", "echo", "“hi”", "–x"];
  assert.deepEqual(plainWords(words), words);
});

test("After a pasted command only flags may follow.", () => {
  assert.throws(() => plainWords(["ssh -L 1:a:1 h", "other"]), /only flags may follow/);
});

test("A command is spelled out when its first word is a program, or sudo before one.", () => {
  assert.ok(isSpelledOut(["ssh", "-N"]));
  assert.ok(isSpelledOut(["sudo", "ssh"]));
  for (const words of [[], ["-L"], ["ssh -N h"], ["sshd"], ["sudo", "-L"]]) assert.ok(!isSpelledOut(words));
  assert.throws(() => readPasted(["sudo", "ssh", "h"]), /sudo before ssh/);
});
