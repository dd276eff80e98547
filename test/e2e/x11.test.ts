/** -X and -Y: a program on the server shows its window on the X server here, and nobody else gets in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type PorthopOptions, porthop } from "../kit/porthop.ts";
import { startSshd } from "../kit/sshd.ts";
import { startXServer } from "../kit/x-server.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "Xvfb", "xauth", "xdpyinfo"), timeout: 60_000 };
const theSshd = shared(() => startSshd({ config: ["X11Forwarding yes"] }));
const theDisplay = shared(() => startXServer());

async function far(flags: readonly string[], words: readonly string[], options: PorthopOptions = {}) {
  const sshd = await theSshd();
  const display = await theDisplay();
  const env = { ...display.env, ...options.env };
  await using program = porthop(["run", ...flags, ...sshd.sshArgs, sshd.host, ...words], { ...options, env });
  const { code, stdout, stderr } = await program.exit;
  return { code, stdout, stderr };
}

for (const [how, flags] of [
  ["-Y", ["-Y"]],
  ["-X", ["-X"]],
  ["ForwardX11Trusted", ["-o", "ForwardX11=yes", "-o", "ForwardX11Trusted=yes"]],
] as const) {
  test(`With ${how}, an X program on the server talks to the X server here.`, limits, async () => {
    const { code, stdout, stderr } = await far(flags, ["xdpyinfo"]);
    assert.equal(code, 0);
    // The first time, the far side's xauth tells that it makes a file.
    assert.doesNotMatch(stderr, /porthop/);
    assert.match(stdout, /^name of display: {4}localhost:\d+\.0$/m);
    assert.match(stdout, /dimensions: {4}320x200 pixels/);
  });
}

test("An untrusted program has fewer rights than a trusted one.", limits, async () => {
  // The SECURITY extension hides other extensions from untrusted clients (X11 Security Extension Specification).
  const extensions = async (flag: string) =>
    Number(/^number of extensions: +(\d+)$/m.exec((await far([flag], ["xdpyinfo"])).stdout)?.[1]);
  const [trusted, untrusted] = [await extensions("-Y"), await extensions("-X")];
  assert.ok(untrusted < trusted, `${untrusted} of ${trusted}`);
});

test("The X server's own cookie never gets to the server.", limits, async () => {
  const { cookie } = await theDisplay();
  const { stdout } = await far(["-Y"], ["xauth list"]);
  assert.match(stdout, /MIT-MAGIC-COOKIE-1 {2}[0-9a-f]{32}$/m);
  assert.equal(stdout.includes(cookie), false);
});

test(
  "Who has another cookie is closed out with a warning, and who has the right one comes after.",
  limits,
  async () => {
    const wrong = "cp $HOME/.Xauthority wrong; xauth -q -f wrong add $DISPLAY . 00112233445566778899aabbccddeeff";
    const { stdout, stderr } = await far(["-Y"], [`cd /tmp; ${wrong}; XAUTHORITY=wrong xdpyinfo; rm wrong; xdpyinfo`]);
    assert.match(stderr, /porthop: warning: an X11 connection of the server was closed: it does not carry the cookie/);
    assert.match(stdout, /dimensions: {4}320x200 pixels/);
  },
);

test("After ForwardX11Timeout an untrusted program is refused, and a trusted one is not.", limits, async () => {
  const probe = "xdpyinfo >/dev/null";
  // It ends when it is refused; and the time is long enough for the first one on a busy machine.
  const untrusted = await far(
    ["-X", "-o", "ForwardX11Timeout=5"],
    [`${probe} && echo early; while ${probe}; do sleep 0.2; done`],
  );
  assert.equal(untrusted.stdout, "early\n");
  assert.match(untrusted.stderr, /ForwardX11Timeout is over/);
  const trusted = await far(
    ["-Y", "-o", "ForwardX11Timeout=1"],
    [`${probe} && echo early; sleep 1.2; ${probe} && echo late`],
  );
  assert.equal(trusted.stdout, "early\nlate\n");
});

test("Unasked, or with -x, there is no display on the server.", limits, async () => {
  for (const flags of [[], ["-X", "-x"]]) {
    assert.equal((await far(flags, ["echo got $DISPLAY"])).stdout, "got\n");
  }
});

test("Without a display here the command runs all the same, and one warning says why.", limits, async () => {
  for (const [env, told] of [
    [{ DISPLAY: undefined }, /DISPLAY is not set/],
    [{ DISPLAY: "$(reboot)" }, /no X display/],
    [{ XAUTHORITY: "/nonexistent" }, /xauth made no untrusted cookie/],
  ] as const) {
    const { code, stdout, stderr } = await far(["-X"], ["echo got $DISPLAY"], { env });
    assert.deepEqual([code, stdout], [0, "got\n"]);
    assert.match(stderr, told);
    assert.match(stderr, /^porthop: warning: .*\n$/);
  }
});

test("A server that does not forward X11 gets a warning, and the command runs.", limits, async () => {
  await using sshd = await startSshd({ config: ["X11Forwarding no"] });
  const { env } = await theDisplay();
  await using program = porthop(["run", "-Y", ...sshd.sshArgs, sshd.host, "echo ran"], { env });
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout], [0, "ran\n"]);
  assert.match(stderr, /^porthop: warning: .*X11Forwarding.*\n$/);
});

test("porthop waits for an X program that outlives its command, as ssh does.", limits, async () => {
  const sshd = await theSshd();
  const { env } = await theDisplay();
  // xprop -spy looks on until its display is gone.
  const words = ["(xprop -root -spy </dev/null >/dev/null 2>&1 &); xdpyinfo | grep -q 320x200 && echo up"];
  await using program = porthop(["run", "-Y", ...sshd.sshArgs, sshd.host, ...words], { env });
  await program.stdout(/up/);
  assert.equal(await Promise.race([program.exit, far(["-Y"], ["true"]).then(() => "it still runs")]), "it still runs");
  program.signal("SIGINT");
  assert.equal((await program.exit).code, 130);
});
