/** What several sessions give: bulk on loopback with four flows, and small requests beside a bulk download. */
import { beside, moving, ownCells } from "./bulk.ts";
import { porthopContender, sshContender } from "./contenders.ts";
import { compare, type Scene } from "./scene.ts";
import { smallBesideBulk } from "./small-beside-bulk.ts";
import { printTable } from "./table.ts";

const counts = [1, 2, 4];
const flows = 4;

export async function sessions(scene: Scene): Promise<void> {
  const { program, sshd, mebibytes } = scene;
  const contenders = [
    sshContender("ssh", sshd),
    ...counts.map((count) =>
      porthopContender(`porthop --sessions ${count}`, [program], sshd, ["--sessions", String(count)]),
    ),
  ];
  for (const mode of ["down", "up"] as const) {
    const taken = await compare(scene, contenders, moving(mode, mebibytes, flows));
    const [theirs] = taken;
    if (theirs === undefined) continue;
    const rows = taken.map((its, index) => [
      ...ownCells(contenders[index]?.name ?? "", its),
      ...(its === theirs ? ["", ""] : beside(its, theirs)),
    ]);
    const head = ["program", "MiB/s", "CPU s/GiB", "it / ssh", "CPU / ssh's"];
    printTable(`bulk ${mode} on ${flows} flows, ${mebibytes} MiB on loopback`, head, rows);
  }
  await smallBesideBulk(scene, counts);
}
