// An order that is fair between senders: whoever has the most waiting gets no more than everybody
// else, one after the other; what one sender sent keeps its order.

/** A first-in, first-out order by key, the keys in turn. */
export class FairOrder<T> {
  // The order of a Map's keys is the order of turns.
  readonly #byKey = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  push(key: string, item: T): void {
    const items = this.#byKey.get(key);
    if (items === undefined) this.#byKey.set(key, [item]);
    else items.push(item);
    this.#size++;
  }

  /** The next one in turn; its key goes to the end. */
  shift(): T | undefined {
    const next = this.#byKey.entries().next().value;
    if (next === undefined) return undefined;
    const [key, items] = next;
    const item = items.shift();
    this.#byKey.delete(key);
    if (items.length > 0) this.#byKey.set(key, items);
    this.#size--;
    return item;
  }

  /** Takes all out. */
  clear(): T[] {
    const all = [...this.#byKey.values()].flat();
    this.#byKey.clear();
    this.#size = 0;
    return all;
  }
}
