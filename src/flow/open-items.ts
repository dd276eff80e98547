/**
 * What is open just now, of many things that come and go. No Set and no Map: under JavaScriptCore every table that one
 * of them outgrew leads to the next, so that from the first that grew old the collector finds all of them again, with
 * everything that was open then. Most connections would outlive their end until the next full collection.
 */
export class OpenItems<T extends object> {
  readonly #places: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** Returns what takes it out again. */
  add(item: T): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = item;
    return () => {
      // Called twice, the place may be another's.
      if (this.#places[place] !== item) return;
      this.#places[place] = undefined;
      this.#free.push(place);
    };
  }

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  all(): readonly T[] {
    return this.#places.filter((item) => item !== undefined);
  }
}
