/** What every codec throws at text or bytes it cannot read: one line that names the input and what is wrong with it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
