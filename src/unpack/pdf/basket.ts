// Gathers small pieces of one kind into objects worth a scan. Text and the rest are kept apart, so
// that the whole is of one type.

import type { Extract } from "../../message.ts";

const FULL = 1 << 20;
const CHECKED = 512;
const NEWLINE = Buffer.from("\n");

interface Pile {
  readonly name: string;
  readonly pieces: Buffer[];
  size: number;
}

/** Pieces by the name they will be given under. */
export class Basket {
  readonly #piles = new Map<string, Pile>();
  readonly #counts = new Map<string, number>();

  /** Adds a piece; gives the pile it went to, if that is full. */
  *add(name: string, bytes: Buffer): Generator<Extract> {
    const key = `${name} ${isText(bytes)}`;
    const pile = this.#piles.get(key) ?? { name, pieces: [], size: 0 };
    this.#piles.set(key, pile);
    pile.pieces.push(bytes);
    pile.size += bytes.length;
    if (pile.size < FULL) return;
    this.#piles.delete(key);
    yield this.#whole(pile);
  }

  /** Gives all that is left. */
  *empty(): Generator<Extract> {
    const piles = [...this.#piles.values()];
    this.#piles.clear();
    for (const pile of piles) yield this.#whole(pile);
  }

  #whole({ name, pieces }: Pile): Extract {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    // A line end between two, so that no pattern arises where there was none.
    const parts = pieces.flatMap((piece) => [piece, NEWLINE]).slice(0, -1);
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    return { name: count === 1 ? name : `${name} ${count}`, bytes, declaredType: "" };
  }
}

function isText(bytes: Buffer): boolean {
  const end = Math.min(bytes.length, CHECKED);
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) return false;
  }
  return true;
}
