/**
 * The items that are open now, of many that come and go. There is no Set and no Map here for a reason of
 * JavaScriptCore: a Set or Map that grows keeps a link from its old table to its new one. When an old table has
 * survived a collection, the collector keeps all later tables too, with every item that was in them. Most connections
 * would then stay in memory until the next full collection.
 */
export class OpenItems<T extends object> {
  readonly #places: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** Returns a function that takes the item out again. */
  add(item: T): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = item;
    return () => {
      // After the first call, the place may belong to another item.
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
