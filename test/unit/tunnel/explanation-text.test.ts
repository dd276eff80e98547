import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { explainTunnel } from "../../../src/tunnel/explanation.ts";
import { explanationLines } from "../../../src/tunnel/explanation-text.ts";

const place = { here: "brahma", loopback: "lo", program: "ssh" };

function lines(text: string, columns: number): readonly string[] {
  const explanation = explainTunnel(describeTunnel(text.split(" ")), place);
  return explanationLines(explanation, [["(picture)"]], columns);
}

test("Headings stand at the margin and all else below them; a part that is empty is not there.", () => {
  const headings = lines("-N -L 8080:localhost:80 vishnu", 80).filter((line) => /^\S/.test(line));
  assert.deepEqual(headings, ["L1: -L 8080:localhost:80", "What ends when", "What the server has to allow", "Look at"]);
  assert.ok(!lines("-N -o ExitOnForwardFailure=yes -L 8080:db:80 vishnu", 80).includes("Look at"));
  assert.equal(lines("vishnu", 80)[0], "Nothing is forwarded");
});

test("The picture, the effective connection and the command for each leg are in it.", () => {
  const text = lines("-N -L 8080:localhost:80 vishnu", 80);
  for (const line of [
    "  (picture)",
    "  Effective connection: (brahma, 8080, vishnu, 80)",
    "  leg 2: brahma -> vishnu:22, encrypted",
    "         on brahma: tcpdump -ni any 'tcp port 22 and host vishnu'",
  ]) {
    assert.ok(text.includes(line), `${line}\n${text.join("\n")}`);
  }
});

test("No line is longer than the columns, at 80 and at 60, but for a command that has to stay whole.", () => {
  for (const columns of [80, 60, 40]) {
    const all = lines("-f -R *:80:printer.example.com:9100 -D *:1080 -L /a:/b -J bastion vishnu", columns);
    const long = all.filter((line) => line.length > columns);
    for (const line of long) assert.match(line, /^ {11}tcpdump/);
  }
});
