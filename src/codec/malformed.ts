/**
 * The error that a codec throws for text or bytes it cannot read. Its message is one line: the input and the mistake.
 */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
