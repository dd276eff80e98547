import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../../../src/cli/explain-command.ts";
import { writtenBy } from "../../kit/written.ts";

async function told(...words: string[]) {
  let helps = 0;
  const written = await writtenBy(async () => {
    assert.equal(await explain(words, () => helps++), 0);
  });
  return { ...written, helps };
}

test("A pasted command is explained as ssh's, with its picture, its legs and its mistakes.", async () => {
  const { stdout, stderr } = await told("ssh -R *:8080:localhost:3000 -D 1080 alice@vishnu");
  assert.equal(stderr, "");
  for (const text of [
    "R1: -R *:8080:localhost:3000",
    "ssh ====",
    "GatewayPorts clientspecified",
    "D1: -D 1080",
    "add -N",
    "  ssh -N -o ExitOnForwardFailure=yes -R '*:8080:localhost:3000' -D 1080 alice@vishnu",
  ]) {
    assert.ok(stdout.includes(text), text);
  }
  assert.ok(!stdout.includes("\u001b"));
});

test("The same words, each by itself, and run's flags are explained too.", async () => {
  const one = await told("ssh -L 8080:localhost:80 vishnu");
  assert.deepEqual(await told("ssh", "-L", "8080:localhost:80", "vishnu"), one);
  const own = await told("-L", "8080:localhost:80", "vishnu", "--rate-limit", "1MB/s");
  assert.match(own.stdout, /porthop =+/);
  assert.match(own.stdout, /# ssh limits no rate/);
});

test("--json is one object with the same.", async () => {
  const { stdout } = await told("--json", "ssh -L 3456:localhost:80 vishnu");
  const said = JSON.parse(stdout);
  assert.equal(said.command, "ssh -N -o ExitOnForwardFailure=yes -L 3456:localhost:80 vishnu");
  assert.deepEqual([said.forwards[0].effective.server, said.forwards[0].effective.serverPort], ["vishnu", 80]);
  assert.equal(said.forwards[0].legs[2].tcpdump, "tcpdump -ni lo 'tcp port 80'");
  assert.ok(said.mistakes.some(({ code }: { code: string }) => code === "no-n"));
});

test("Without a forward the session is shown; a relay has no command of ssh; a line break has none either.", async () => {
  assert.match((await told("ssh vishnu")).stdout, /^Nothing is forwarded\n[\s\S]*ssh =+ leg 2, SSH =+> sshd/);
  assert.doesNotMatch((await told("porthop relay -L 8080:a:80")).stdout, /As a command/);
  assert.doesNotMatch((await told("-L", "1:a:1", "h", "a\nb")).stdout, /As a command/);
});

test("Help is shown and nothing else is done.", async () => {
  const { helps, stdout } = await told("-h");
  assert.deepEqual([helps, stdout], [1, ""]);
});

test("A port behind the host, which ssh would not take, is pointed out.", async () => {
  const { stdout } = await told("ssh -N -L 8080:localhost:80 alice@vishnu:2222");
  assert.match(stdout, /^ {2}warning: ssh takes no port behind the host/m);
  assert.match(stdout, /-> write -p 2222/);
});
