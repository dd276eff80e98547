/** What an error says, whatever was thrown: JavaScript lets a program throw anything. Not yet safe to show. */

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
