import assert from "node:assert/strict";
import { test } from "node:test";
import { dialsHere, Ends } from "../../../../plugins/capture/ends.ts";
import type { CaptureName } from "../../../../src/codec/capture/capture-file.ts";
import type { Address, ForwardKind } from "../../../../src/plugin.ts";
import { forwardOfKind, ScriptedFlow, ScriptedWire, type WireFacts } from "../../../kit/plugin-host.ts";

const here = { host: "10.0.0.1", port: 33_450 };
const gate = { host: "10.0.0.2", port: 22 };

function ends(hops = 1) {
  const names: CaptureName[] = [];
  return { ends: new Ends(hops, (name) => names.push(name)), names };
}

function wire(facts: Partial<WireFacts> = {}): ScriptedWire {
  return new ScriptedWire({ host: "gate", port: 22, hop: 1, from: here, to: gate, observed: true, ...facts });
}

/** The destination behind a jump host, as the jump host was asked for it. */
const beyond = { host: "db", port: 2222, hop: 2, from: undefined, to: { host: "db", port: 2222 }, observed: false };

interface Told {
  readonly kind?: ForwardKind;
  readonly leg: 1 | 3;
  readonly from?: Address | undefined;
  readonly to?: Address | undefined;
  readonly listen?: Address | undefined;
  readonly origin?: Address;
  readonly target?: Address;
}

function legOf(
  of: Ends,
  { kind = "local", leg, from, to, listen, origin, target = { host: "10.0.0.3", port: 80 } }: Told,
) {
  const flow = new ScriptedFlow({
    id: "X1#1",
    forward: forwardOfKind(kind, listen),
    target,
    ...(origin === undefined ? {} : { origin }),
  });
  const one = flow.legs[leg === 1 ? 0 : 2];
  one.from = from;
  one.to = to;
  return of.ofLeg(flow, one);
}

test("A session that was seen is shown as it was, and its name goes into the file.", () => {
  const { ends: made, names } = ends();
  const { from, to, comment } = made.ofWire(wire());
  assert.deepEqual([from, to, comment], [here, gate, "porthop session=S1 leg=2 host=gate"]);
  assert.deepEqual(names, [{ address: gate.host, name: "gate" }]);
});

test("A loopback address is never given a name: it would be that of all legs.", () => {
  const { ends: made, names } = ends();
  made.ofWire(wire({ host: "localhost", to: { host: "127.0.0.1", port: 22 }, from: { host: "127.0.0.1", port: 4 } }));
  assert.deepEqual(names, []);
});

test("A session behind a jump host comes from that host, from a port that nobody saw.", () => {
  const { ends: made, names } = ends(2);
  assert.equal(made.ofWire(wire()).comment, "porthop session=S1 leg=2 hop=1 host=gate");
  const { from, to, comment } = made.ofWire(wire(beyond));
  assert.deepEqual(
    [from, to],
    [
      { host: gate.host, port: 61_000 },
      { host: "198.18.1.1", port: 2222 },
    ],
  );
  assert.equal(comment, "porthop session=S1 leg=2 hop=2 host=db source=invented to=made-up for db:2222");
  assert.deepEqual(names.at(-1), { address: "198.18.1.1", name: "db" });
});

test("A session through a ProxyCommand goes where it was asked to, as far as anybody knows.", () => {
  const { ends: made } = ends();
  const through = wire({ host: "10.0.0.9", port: 2200, from: undefined, to: undefined, observed: false });
  const { from, to, comment } = made.ofWire(through);
  assert.deepEqual(to, { host: "10.0.0.9", port: 2200 });
  assert.deepEqual(from, { host: "198.19.255.254", port: 61_000 });
  assert.equal(comment, "porthop session=S1 leg=2 host=10.0.0.9 source=invented to=asked");
});

test("A target that the server dialed comes from the sshd of the last session.", () => {
  const { ends: made } = ends(2);
  made.ofWire(wire());
  made.ofWire(wire({ ...beyond, host: "10.0.0.7", to: { host: "10.0.0.7", port: 22 } }));
  const told = legOf(made, { leg: 3 });
  assert.equal(told.from.host, "10.0.0.7");
  assert.equal(told.comment, "porthop flow=X1#1 leg=3 forward=X1 target=10.0.0.3:80 source=invented");
});

for (const kind of ["remote", "reverse-dynamic", "relay"] as const) {
  test(`A target of a ${kind} forward is dialed here, never by the sshd.`, () => {
    const { ends: made } = ends();
    made.ofWire(wire());
    assert.equal(dialsHere(forwardOfKind(kind)), true);
    assert.equal(legOf(made, { kind, leg: 3 }).from.host, "198.19.255.254");
    const known = legOf(made, { kind, leg: 3, from: here, to: { host: "10.0.0.3", port: 80 } });
    assert.deepEqual([known.from, known.comment.includes("source=")], [here, false]);
  });
}

for (const kind of ["local", "dynamic", "stdio"] as const) {
  test(`A target of a ${kind} forward is dialed by the server.`, () =>
    assert.equal(dialsHere(forwardOfKind(kind)), false));
}

test("An origin that the server could not tell gets an address, a port of its own and its name.", () => {
  const { ends: made } = ends();
  const told = ["first", "second"].map(() =>
    legOf(made, { kind: "remote", leg: 1, from: { host: "unknown", port: 0 }, to: { host: "10.0.0.2", port: 8080 } }),
  );
  assert.deepEqual(
    told.map(({ from }) => from),
    [61_000, 61_001].map((port) => ({ host: "198.18.1.1", port })),
  );
  assert.match(told[0]?.comment ?? "", / from=made-up for unknown:0$/);
});

test("Unix sockets, and the standard streams, have made-up ends of their own.", () => {
  const { ends: made, names } = ends();
  for (const path of ["/run/a.sock", "stdio"]) {
    const { from, to, comment } = legOf(made, {
      kind: "stdio",
      leg: 1,
      from: { path },
      to: { path },
      origin: { path },
    });
    assert.equal(from.host, to.host);
    assert.notEqual(from.port, to.port);
    assert.ok(comment.endsWith(` from=made-up for ${path} to=made-up for ${path}`), comment);
  }
  assert.deepEqual(
    names.map(({ name }) => name),
    ["/run/a.sock", "stdio"],
  );
});

test("Both ends of a connection are of one family, whatever was told.", () => {
  const { ends: made } = ends();
  made.ofWire(wire());
  const told = legOf(made, { leg: 3, target: { host: "fd00::3", port: 80 } });
  assert.deepEqual([told.from.host, told.to.host], ["fd70:6800::1", "fd00::3"]);
});

test("A listener whose address is unknown is the forward's.", () => {
  const { ends: made } = ends();
  const listen = { host: "127.0.0.1", port: 3456 };
  assert.deepEqual(legOf(made, { leg: 1, listen, from: { host: "127.0.0.1", port: 4 } }).to, listen);
});

test("A flow names its session, and comes from the sshd of that one.", () => {
  const { ends: made } = ends();
  made.ofWire(wire({ id: "S1", to: gate }));
  made.ofWire(wire({ id: "S2", strand: 2, to: { host: "10.0.0.7", port: 22 } }));
  for (const [session, host] of [
    ["S1", "10.0.0.2"],
    ["S2", "10.0.0.7"],
    ["S9", "10.0.0.7"],
  ] as const) {
    const flow = new ScriptedFlow({ id: "L1#1", target: { host: "10.0.0.3", port: 80 } });
    flow.legs[1].session = session;
    const { from, comment } = made.ofLeg(flow, flow.legs[2]);
    assert.equal(from.host, host);
    assert.match(comment, new RegExp(`^porthop flow=L1#1 leg=3 .* session=${session} source=invented$`));
  }
});
