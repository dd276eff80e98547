import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { brokenConnection, describe, errnoOf } from "../../../src/io/socket-failure.ts";
import { freePort } from "../../kit/servers.ts";

test("The errno of an error is its code, where it has one that is a text.", () => {
  assert.equal(errnoOf(Object.assign(new Error("x"), { code: "ECONNRESET" })), "ECONNRESET");
  for (const other of [new Error("x"), Object.assign(new Error("x"), { code: 7 }), "ECONNRESET", null, undefined, 7]) {
    assert.equal(errnoOf(other), undefined);
  }
});

test("A failure is described in the kernel's own words.", () => {
  const words: readonly (readonly [string, string])[] = [
    ["ECONNREFUSED", "connection refused"],
    ["ECONNRESET", "connection reset by peer"],
    ["ETIMEDOUT", "connection timed out"],
    ["EINVAL", "invalid argument"],
    ["EADDRINUSE", "address already in use"],
    ["EHOSTUNREACH", "no route to host"],
    ["ENETUNREACH", "network is unreachable"],
    ["EPIPE", "broken pipe"],
    ["EACCES", "permission denied"],
    ["ENOENT", "no such file or directory"],
    ["EMFILE", "too many open files"],
  ];
  for (const [code, text] of words) assert.equal(describe(Object.assign(new Error("connect X"), { code })), text);
});

test("A real refusal and a real missing file are described alike under every runtime.", async () => {
  const socket = connect(await freePort(), "127.0.0.1");
  const [error] = (await new Promise((resolve) => socket.once("error", (...args) => resolve(args)))) as [unknown];
  assert.equal(describe(error), "connection refused");
  await (socket.closed || once(socket, "close"));
  assert.throws(
    () => readFileSync("/nowhere/at/all"),
    (missing) => describe(missing) === "no such file or directory",
  );
});

test("What has no known errno keeps its own message, and what is no error at all becomes a text.", () => {
  assert.equal(describe(new Error("the disk melted")), "the disk melted");
  assert.equal(describe(Object.assign(new Error("odd"), { code: "EWHATEVER" })), "odd");
  assert.equal(describe("just a text"), "just a text");
  assert.equal(describe(undefined), "undefined");
});

test("An errno that is the name of an object's own property is no word of the kernel's.", () => {
  for (const code of ["constructor", "toString", "__proto__"]) {
    assert.equal(describe(Object.assign(new Error("odd"), { code })), "odd");
  }
});

test("A broken connection names its leg, its far end and how it broke, and keeps the cause.", () => {
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const error = brokenConnection(cause, 3, "db.internal:5432");
  assert.ok(error instanceof PorthopError);
  assert.equal(error.message, "the connection with db.internal:5432 broke: connection reset by peer");
  assert.deepEqual([error.code, error.leg, error.cause], ["target.unreachable", 3, cause]);
  assert.equal(
    brokenConnection(undefined, 1, "127.0.0.1:33458").message,
    "the connection with 127.0.0.1:33458 broke: connection closed by the other end",
  );
});
