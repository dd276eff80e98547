import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../src/codec/malformed.ts";
import { lookServicesUpIn, parseServicePort, parseServices } from "../../../src/codec/service-port.ts";
import { hostileText, readOrRefused } from "../../kit/hostile-text.ts";

afterEach(() => lookServicesUpIn(() => undefined));

test("A line names a TCP service by its name and its aliases, and the first of two counts.", () => {
  const ports = parseServices(
    "# a table\nhttp\t\t80/tcp\t\twww web # web\nntp 123/udp\nmyapp 9999/tcp\nmyapp 1/tcp\nmax 65535/tcp\n" +
      "big 65536/tcp\nnil 0/tcp\nhalf 12\n www2 81/tcp\r\n3com-tsmux 106/tcp",
  );
  assert.deepEqual(Object.fromEntries(ports), {
    http: 80,
    www: 80,
    web: 80,
    myapp: 9999,
    max: 65535,
    www2: 81,
    "3com-tsmux": 106,
  });
});

test("A port is a number, or a service in the letter case of its name.", () => {
  assert.deepEqual(
    ["22", "http", "www", "postgresql"].map((text) => parseServicePort(text)),
    [22, 80, 80, 5432],
  );
  assert.equal(parseServicePort("0", 0), 0);
  for (const name of ["HTTP", "nosuch", "constructor"]) {
    assert.throws(
      () => parseServicePort(name),
      new Malformed(`"${name}" is no port (1 to 65535), and no service that this machine knows`),
    );
  }
  for (const text of ["", "0", "+80", " http", "http ", "0x50", "65536", "h\u0000"]) {
    assert.throws(() => parseServicePort(text), Malformed, text);
  }
});

test("Where there is a table only its names are known; it is read for the first name, and once.", () => {
  let reads = 0;
  lookServicesUpIn(() => {
    reads++;
    return "myapp 9999/tcp\n";
  });
  assert.deepEqual([parseServicePort("22"), reads], [22, 0]);
  assert.deepEqual([parseServicePort("myapp"), parseServicePort("myapp"), reads], [9999, 9999, 1]);
  assert.throws(() => parseServicePort("http"), Malformed);
});

test("Any table and any text is read or refused.", () => {
  const text = hostileText("http", "80/tcp", " ", "\t", "#", "\n", "0", "65536/tcp");
  fc.assert(
    fc.property(text, text, (table, port) => {
      for (const each of parseServices(table).values()) assert.ok(each >= 1 && each <= 65535);
      readOrRefused(() => parseServicePort(port));
    }),
  );
});
