import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigReading } from "../../../../src/config/file/config-reading.ts";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { matchFacts, memoryConfig } from "../../../kit/memory-config.ts";

interface Read {
  readonly keywords: Keywords;
  readonly wantsFinal: boolean;
  readonly commands: readonly string[];
}

function read(files: Readonly<Record<string, string>>, { isUser = true, isFinal = false } = {}): Read {
  const sources = memoryConfig(files);
  const keywords = new Keywords();
  const reading = new ConfigReading(sources, keywords);
  const match = () => matchFacts(sources.succeeds);
  const fillInclude = (path: string) => path.replace("%h", "web");
  reading.read("/c", { isUser, isPrivate: false }, { host: "web", isFinal: false, fillInclude, match });
  if (isFinal) reading.read("/c", { isUser, isPrivate: false }, { host: "real", isFinal: true, fillInclude, match });
  return { keywords, wantsFinal: reading.wantsFinal, commands: sources.commands };
}

function refusal(files: Readonly<Record<string, string>>, rules = {}): string {
  try {
    read(files, rules);
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    assert.equal(error.code, "config.invalid");
    return error.message;
  }
  throw new Error("nothing was wrong");
}

test("Relative includes are looked up where the file belongs.", () => {
  const files = { "/c": "Include more\n", "/home/anna/.ssh/more": "Port 1\n", "/etc/ssh/more": "Port 2\n" };
  assert.equal(read(files).keywords.text("Port"), "1");
  assert.equal(read(files, { isUser: false }).keywords.text("Port"), "2");
});

test("A home is meant in files of the user's only.", () => {
  const files = { "/c": "Include ~/more ~bob/more\n", "/home/anna/more": "Port 1\n", "/home/bob/more": "User x\n" };
  assert.deepEqual(read(files).keywords.given(), ["Port", "User"]);
  assert.equal(refusal(files, { isUser: false }), "/c line 1: Include ~/more: whose home is meant?");
});

test("What an include ends in does not go on behind it.", () => {
  const files = { "/c": "Host web\nInclude /a\nPort 1\n", "/a": "Host db\nUser x\n" };
  assert.deepEqual(read(files).keywords.given(), ["Port"]);
});

test("Nothing is run for a block that does not apply anyway.", () => {
  const files = { "/c": "Host db\nInclude /a\n", "/a": 'Match exec "true"\nPort 1\n' };
  assert.deepEqual(read(files).commands, []);
  assert.deepEqual(read(files).keywords.given(), []);
});

test("Includes end at 16 deep, and at 10,000 files.", () => {
  assert.equal(refusal({ "/c": "\nInclude /c\n" }), "/c line 2: Include /c: files include each other 16 deep");
  const deep = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`/c${at}`, `Include /c${at + 1}\n`]));
  assert.match(
    refusal({ ...deep, "/c": "Include /c0\n" }),
    /^\/c15 line 1: Include \/c16: files include each other 16/,
  );
  const fine = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`/c${at}`, `Include /c${at + 1}\n`]));
  assert.equal(read({ ...fine, "/c": "Include /c0\n", "/c15": "Port 3\n" }).keywords.text("Port"), "3");
});

test("A file that is included over and over ends too.", { timeout: 20_000 }, () => {
  const wide = Object.fromEntries(
    Array.from({ length: 15 }, (_, at) => [`/c${at}`, `Include /c${at + 1} /c${at + 1} /c${at + 1}\n`]),
  );
  assert.match(refusal({ ...wide, "/c": "Include /c0\n", "/c15": "" }), /more than 10000 files are included/);
});

test("An unknown keyword is refused wherever it stands, unless IgnoreUnknown has named it before.", () => {
  assert.equal(refusal({ "/c": "Host db\n  Prot 1\n" }), '/c line 2: ssh has no keyword "Prot" (did you mean Port?)');
  assert.equal(read({ "/c": "IgnoreUnknown pr*,x\nProt 1\nX y\n" }).keywords.warnings.length, 0);
});

test("A porthop keyword that there is not is said, where ssh was told to pass over it.", () => {
  const { keywords } = read({ "/c": "IgnoreUnknown Porthop*\nPorthopUsse limit\n" });
  assert.deepEqual(keywords.warnings, ["/c line 2: porthop has no keyword PorthopUsse"]);
});

test("What porthop does not have is said once, where it applies, matters and is not off.", () => {
  const { keywords } = read(
    {
      "/c":
        "Host db\nTunnel yes\nHost web\nVerifyHostKeyDNS yes\nVerifyHostKeyDNS ask\nIPQoS none\nTunnel no\nTunnel yes\n" +
        "Match final\nKnownHostsCommand x\n",
    },
    { isFinal: true },
  );
  assert.deepEqual(keywords.warnings, [
    "/c line 4: porthop does not have VerifyHostKeyDNS: no host key is looked up in the DNS",
    "/c line 10: porthop does not have KnownHostsCommand: host keys come from files only (UserKnownHostsFile names files)",
  ]);
});

test("What is passed over without being felt is noted for -v, and CheckHostIP, which guards, is said to all.", () => {
  const config =
    "ControlMaster auto\nControlPath none\nCheckHostIP no\nHost db\nVisualHostKey yes\nHost web\nControlMaster yes\n" +
    "AddKeysToAgent yes\nGSSAPIAuthentication yes\nIPQoS cs1\nRekeyLimit 1G\nVerifyHostKeyDNS yes\n";
  const { keywords } = read({ "/c": config }, { isFinal: true });
  const lacks = (told: readonly string[]) =>
    told.map((text) => text.replace(/ porthop does not have (\w+): .+$/, " $1"));
  assert.deepEqual(lacks(keywords.notes), ["/c line 1: ControlMaster", "/c line 9: GSSAPIAuthentication"]);
  assert.deepEqual(lacks(keywords.warnings), ["/c line 10: IPQoS", "/c line 12: VerifyHostKeyDNS"]);
  assert.deepEqual(lacks(read({ "/c": "CheckHostIP yes\n" }).keywords.warnings), ["/c line 1: CheckHostIP"]);
});

test("A connection that the configuration refuses is refused, where that applies.", () => {
  assert.equal(
    refusal({ "/c": 'Port 1\nRefuseConnection "use the new gate"\n' }),
    "/c line 2: RefuseConnection: the configuration refuses this connection: use the new gate",
  );
  assert.deepEqual(read({ "/c": "Host db\nRefuseConnection no\n" }).keywords.warnings, []);
});

test("A value that ssh refuses is refused of a keyword that porthop does not have, in a block of another host too.", () => {
  assert.equal(
    refusal({ "/c": "Host db\nTunnel maybe\n" }),
    '/c line 2: Tunnel: "maybe" is not one of yes, no, point-to-point, ethernet, true, false',
  );
});

test("Where a value comes from is known, and is the place of the first one.", () => {
  const { keywords } = read({ "/c": "Host db\nUser a\nHost *\nUser b\nUser c\nInclude /a\n", "/a": "\nPort 7\n" });
  assert.equal(keywords.placeOf("User"), "/c line 4: ");
  assert.equal(keywords.placeOf("Port"), "/a line 2: ");
  assert.equal(keywords.placeOf("HostName"), "");
  const more = new Keywords();
  more.fillFrom(keywords, ["Port"]);
  assert.equal(more.placeOf("Port"), "/a line 2: ");
  addOption(more, "User=typed");
  assert.equal(more.placeOf("User"), "");
});

test("Another reading is wanted for Match final and for CanonicalizeHostname, and adds nothing twice.", () => {
  assert.equal(read({ "/c": "Port 1\n" }).wantsFinal, false);
  assert.equal(read({ "/c": "CanonicalizeHostname no\n" }).wantsFinal, false);
  assert.equal(read({ "/c": "CanonicalizeHostname yes\n" }).wantsFinal, true);
  const config = "SendEnv A\nIdentityFile /a\nMatch final\nSendEnv B\nIdentityFile /b\n";
  const { keywords, wantsFinal } = read({ "/c": config }, { isFinal: true });
  assert.equal(wantsFinal, true);
  assert.deepEqual(keywords.all("SendEnv"), ["A", "B"]);
  assert.deepEqual(keywords.all("IdentityFile"), ["/a", "/b"]);
});

test("Tag is what Match tagged looks at.", () => {
  assert.equal(
    read({ "/c": "Match tagged work\nPort 1\nMatch all\nTag work\nMatch tagged work\nPort 2\n" }).keywords.text("Port"),
    "2",
  );
});

test("A file that is there and cannot be read ends an include, with its reason.", () => {
  const sources = memoryConfig({ "/c": "Include /a\n", "/a": "" });
  const closed = {
    ...sources,
    read: (path: string) =>
      path === "/a" ? { why: "permission denied", isMissing: false } : sources.read(path, false),
  };
  const match = () => matchFacts();
  const fillInclude = (path: string) => path;
  assert.throws(
    () =>
      new ConfigReading(closed, new Keywords()).read(
        "/c",
        { isUser: true, isPrivate: false },
        { host: "web", isFinal: false, fillInclude, match },
      ),
    /^PorthopError: \/c line 1: Include: cannot read \/a: permission denied$/,
  );
});

test("The name of an included file is filled in, and one with a variable that is not set is passed over.", () => {
  const { keywords } = read({ "/c": `Include /a-%h $${"{NO_SUCH}"}/b\nUser last\n`, "/a-web": "Port 7\n" });
  assert.deepEqual([keywords.text("Port"), keywords.text("User")], ["7", "last"]);
  assert.deepEqual(keywords.warnings, [
    `/c line 1: the environment has no "NO_SUCH": Include $${"{NO_SUCH}"}/b is passed over`,
  ]);
});

test("Match tagged looks at the Tag that was read before it.", () => {
  const tagged = (tag: string) => read({ "/c": `${tag}\nMatch tagged work\n Port 7\nMatch tagged ""\n Port 8\n` });
  assert.equal(tagged("Tag work").keywords.text("Port"), "7");
  assert.equal(tagged("# none").keywords.text("Port"), "8");
});
