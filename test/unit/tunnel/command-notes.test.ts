import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { commandNotes, commentLines, type Restarter } from "../../../src/tunnel/command-notes.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };
const notes = (text: string) => commandNotes(describeTunnel(text.split(" ")), place);

test("For a capture there are three tcpdump commands, one for each leg, with interface, filter and file.", () => {
  assert.deepEqual(notes("--capture out.pcapng -L 8080:localhost:80 vishnu"), [
    "ssh records nothing (--capture out.pcapng); the nearest is tcpdump on each leg, as root:",
    "  on brahma: tcpdump -ni lo -w leg1.pcap 'tcp port 8080'",
    "  on brahma: tcpdump -ni any -w leg2.pcap 'tcp port 22 and host vishnu'",
    "  on vishnu: tcpdump -ni lo -w leg3.pcap 'tcp port 80'",
  ]);
});

test("Several forwards share leg 2, each jump host has a piece of it, and a unix socket has no packets.", () => {
  assert.deepEqual(notes("--capture x -J a -L /s:db:1 -R 2:localhost:3 vishnu").slice(1), [
    "  leg 1 has no packets to record: /s",
    "  on brahma: tcpdump -ni any -w leg2.pcap 'tcp port 22 and host a'",
    "  on a: tcpdump -ni any -w leg2-hop2.pcap 'tcp port 22 and host vishnu'",
    "  on vishnu: tcpdump -ni any -w L1-leg3.pcap 'tcp port 1 and host db'",
    "  on vishnu: tcpdump -ni lo -w R1-leg1.pcap 'tcp port 2'",
    "  on brahma: tcpdump -ni lo -w R1-leg3.pcap 'tcp port 3'",
  ]);
});

for (const [given, says] of [
  ["--rate-limit 8Mbit/s", /trickle -s -u 1000 -d 1000/],
  ["--rate-limit nonsense", /trickle before the command/],
  ["--allow-from 10.0.0.0/8", /10\.0\.0\.0\/8.*firewall/],
  ["--use log", /no plugins \(--use log\)/],
  ["--reconnect auto", /not connect again \(--reconnect auto\): autossh/],
  ["--reconnect always", /not connect again \(--reconnect always\): autossh/],
  ["--hold 10s", /no connection wait \(--hold 10s\): while the session is away, nobody listens$/],
  ["--hold nonsense", /no connection wait \(--hold nonsense\)/],
  ["--sessions 2", /one session .*\(--sessions 2\): for more, start another ssh with other ports$/],
  [
    "--fallback bob@db",
    /one server only \(--fallback bob@db\): for the next, write \|\| and the same command with bob@db behind it$/,
  ],
  [
    "--fallback db1 --fallback db2 --fallback none --fallback db3",
    /\(--fallback db1 --fallback db2\): .* command with db1 behind it, then with db2 behind it$/,
  ],
  ["--check-target", /\(--check-target\): porthop check does/],
] as const) {
  test(`${given} has a note with the nearest that there is.`, () => {
    const told = notes(`${given} -L 1:a:1 h`);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", says);
  });
}

test("What is about porthop's own words needs no note.", () => {
  assert.deepEqual(notes("--json --log debug --grace 5s --no-nagle-cure -L 1:a:1 h"), []);
});

test("What ssh does by itself needs no note: it ends with its session, and nobody waits.", () => {
  assert.deepEqual(notes("--reconnect never --hold 0 --sessions 1 --fallback none -L 1:a:1 h"), []);
});

test("A command for what starts ssh again says only where that differs.", () => {
  const told = (word: string, restarter: Restarter) =>
    commandNotes(describeTunnel(["--reconnect", word, "-L", "1:a:1", "h"]), place, restarter);
  assert.deepEqual(told("auto", "autossh"), []);
  assert.deepEqual(told("auto", "systemd"), []);
  assert.deepEqual(told("always", "systemd"), []);
  assert.match(told("always", "autossh").join(), /first try fails \(--reconnect always\).*AUTOSSH_GATETIME=0/);
  assert.match(told("never", "autossh").join(), /^autossh starts ssh again .*\(--reconnect never\)/);
  assert.match(told("never", "systemd").join(), /^systemd starts ssh again/);
});

test("A comment stays on its line.", () => {
  assert.deepEqual(commentLines(["a\nrm x", "\u001b[2J"]), ["# a\\nrm x", "# \\x1b[2J"]);
});
