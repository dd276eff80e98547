import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { test } from "node:test";
import { page, startWebServer } from "../../../src/demo/web-server.ts";

const timeout = 20_000;

function request(url: string): Promise<{ status: number | undefined; type: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, async (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      await once(response, "end");
      resolve({ status: response.statusCode, type: response.headers["content-type"], body });
    }).on("error", reject);
  });
}

test("It answers every path on loopback with its one page.", { timeout }, async () => {
  const server = await startWebServer();
  for (const path of ["/", "/any/thing?at=all"]) {
    assert.deepEqual(await request(`http://127.0.0.1:${server.port}${path}`), {
      status: 200,
      type: "text/plain",
      body: page,
    });
  }
  server.close();
});

test("Once closed it answers nobody.", { timeout }, async () => {
  const server = await startWebServer();
  const url = `http://127.0.0.1:${server.port}/`;
  await request(url);
  server.close();
  await assert.rejects(request(url), { code: "ECONNREFUSED" });
});
