/**
 * Who porthop thinks its user is, where $HOME and /etc/passwd do not say: a user of a name service, a number without a
 * user, an empty environment, cron's.
 */
import assert from "node:assert/strict";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { noMounts } from "../kit/dropbear.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type Ran, run } from "../kit/run.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

const executable = builtExecutable();
const isRoot = process.getuid?.() === 0;
const uid = 54_321;
const place = tempDirectory("own-user");
after(() => removeTemp(place));
const limits = {
  timeout: 60_000,
  skip: !isRoot ? "needs root to become another user" : need("setpriv", "unshare", "mount", "getent", "id") || noMounts,
};

/** What the other user can reach: the program, and a home with a configuration. */
const theHome = shared(async () => {
  const home = join(place, "home");
  chmodSync(place, 0o755);
  copyFileSync(executable, join(place, "porthop"));
  chmodSync(join(place, "porthop"), 0o755);
  mkdirSync(join(home, ".ssh"), { recursive: true });
  writeFileSync(join(home, ".ssh", "config"), "Host alias\n  HostName 127.0.0.1\n  Port 1\n", { mode: 0o600 });
  for (const path of [home, join(home, ".ssh"), join(home, ".ssh", "config")]) chownSync(path, uid, uid);
  return { home, [Symbol.asyncDispose]: async () => {} };
});

type Environment = Readonly<Record<string, string>>;

/** Runs porthop as the number, with nothing in its environment but `env`. */
async function asNumber(args: readonly string[], env: Environment, wrapper: readonly string[] = []): Promise<Ran> {
  await theHome();
  const drop = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const [first = "", ...rest] = [...wrapper, ...drop, "env", "-i", ...settings, join(place, "porthop"), ...args];
  return run(first, rest, { cwd: "/" });
}

/** A mount namespace in which a program of the system is another one. */
function withProgram(name: string, script: string): readonly string[] {
  const stub = join(place, `${name}-stub`);
  writeFileSync(stub, `#!/bin/sh\n${script}\n`);
  chmodSync(stub, 0o755);
  return ["unshare", "-m", "sh", "-c", `mount --bind ${stub} /usr/bin/${name} && exec "$@"`, "sh"];
}

const dials = ["run", "--json", "-L", "18080:a:80"];

function sessionIn(stdout: string): { readonly user?: string; readonly host?: string; readonly port?: number } {
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return events.find(({ event }) => event === "session") ?? {};
}

const row = (home: string) =>
  `case "$2" in ${uid}) echo 'ldap.user:*:${uid}:${uid}:L User:${home}:/bin/sh';; *) exit 2;; esac`;

test(
  "A user of LDAP, whom /etc/passwd does not list, logs in under the own name and has the own home.",
  limits,
  async () => {
    const { home } = await theHome();
    for (const env of [
      {},
      { USER: "mallory", LOGNAME: "mallory" },
      { HOME: "/" },
      { HOME: "relative" },
      { HOME: "" },
    ]) {
      const { stdout, stderr } = await asNumber([...dials, "alias"], env, withProgram("getent", row(home)));
      const { user, host, port } = sessionIn(stdout);
      assert.deepEqual([user, host, port], ["ldap.user", "127.0.0.1", 1], stderr);
    }
  },
);

test("Where there is no getent, id tells the name.", limits, async () => {
  const { home } = await theHome();
  const both = [...withProgram("id", "echo domain.user"), ...withProgram("getent", "exit 1")];
  const { stdout, stderr } = await asNumber([...dials, "alias"], { HOME: home }, both);
  assert.equal(sessionIn(stdout).user, "domain.user", stderr);
});

test(
  "What the name service says is not trusted: it names no flag, no second line and no other number.",
  limits,
  async () => {
    for (const answer of [
      `-oProxyCommand=id:*:${uid}:1::/:/bin/sh`,
      "other:*:1:1::/:/bin/sh",
      "x",
      `a$(printf '\\033')b:*:${uid}:1::/:/x`,
    ]) {
      const { code, stdout, stderr } = await asNumber(
        [...dials, "127.0.0.1", "-p", "1"],
        {},
        withProgram("getent", `echo "${answer}"`),
      );
      assert.equal(code, 2, stderr);
      assert.match(stdout, /"code":"usage"/);
    }
  },
);

test(
  "A number without a user, as in a container, is told to say whom to log in as; then it connects.",
  limits,
  async () => {
    const { home } = await theHome();
    for (const env of [{}, { HOME: home, USER: "root", LOGNAME: "root" }]) {
      const { code, stderr } = await asNumber(["run", "-L", "18080:a:80", "-p", "1", "127.0.0.1"], env);
      assert.deepEqual(
        [code, stderr],
        [
          2,
          `porthop: no user exists for uid ${uid}, so the name to log in with is not known [usage]\n  hint: say it: user@host, -l user, or a line User in ~/.ssh/config\n`,
        ],
      );
      for (const said of [
        ["-l", "anna"],
        ["-o", "User=anna"],
      ]) {
        const { code: after, stdout } = await asNumber([...dials, "-p", "1", ...said, "127.0.0.1"], env);
        assert.deepEqual([after, sessionIn(stdout).user], [255, "anna"]);
      }
      assert.equal((await asNumber(["command", "-L", "18080:a:80", "host"], env)).code, 0);
      assert.equal((await asNumber(["--version"], env)).code, 0);
    }
  },
);

test("A getent or id of $PATH, or of the folder that porthop is started in, is not run.", limits, async () => {
  const evil = join(place, "evil");
  const mark = join(place, "mark");
  mkdirSync(evil);
  chmodSync(evil, 0o777);
  for (const name of ["getent", "id"]) {
    writeFileSync(join(evil, name), `#!/bin/sh\ntouch ${mark}\necho mallory\n`);
    chmodSync(join(evil, name), 0o755);
  }
  chmodSync(place, 0o777);
  const inside = ["sh", "-c", `cd ${evil} && exec "$@"`, "sh"];
  const { code } = await asNumber([...dials, "127.0.0.1"], { PATH: `${evil}:.:/usr/bin:/bin` }, inside);
  chmodSync(place, 0o755);
  assert.equal(code, 2);
  assert.equal(existsSync(mark), false);
});

test("With nothing in the environment, or what cron puts there, it is the user and the home of /etc/passwd.", {
  timeout: 60_000,
  skip: need("getent", "id"),
}, async () => {
  const [name = "", , , , , home = ""] = (await run("getent", ["passwd", String(process.getuid?.())])).stdout.split(
    ":",
  );
  const file = join(place, "config");
  writeFileSync(file, 'Match exec "echo home %d >&2"\n  Port 1\n', { mode: 0o600 });
  for (const settings of [
    [],
    ["HOME=/"],
    ["HOME=."],
    ["HOME="],
    [`HOME=${home}`, `LOGNAME=${name}`, "SHELL=/bin/sh", "PATH=/usr/bin:/bin"],
  ]) {
    const { stdout, stderr } = await run("env", ["-i", ...settings, executable, ...dials, "-F", file, "127.0.0.1"]);
    assert.equal(sessionIn(stdout).user, name, stderr);
    assert.match(stderr, new RegExp(`^home ${home}$`, "m"), settings.join(" "));
  }
});
