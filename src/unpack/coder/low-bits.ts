// Bits of a buffer, least significant first, as deflate and the older methods of ZIP pack them; and
// the Huffman codes that are read from them.

/** Reads bits; beyond the end they are zero, and `isPast` says so. */
export class LowBitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Whether more was taken than there is. */
  get isPast(): boolean {
    return this.#at - (this.#count >> 3) > this.#bytes.length;
  }

  /** The position of the first byte of which no bit was taken. */
  get at(): number {
    return this.#at - (this.#count >> 3);
  }

  /** The next `count` bits (up to 16), which stay. */
  peek(count: number): number {
    while (this.#count < count) {
      const byte = this.#at < this.#bytes.length ? (this.#bytes[this.#at] as number) : 0;
      this.#held |= byte << this.#count;
      this.#at++;
      this.#count += 8;
    }
    return this.#held & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#held >>>= count;
    this.#count -= count;
  }

  /** Takes the next `count` bits (up to 16). */
  take(count: number): number {
    if (count === 0) return 0;
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** Goes on at the next whole byte. */
  align(): void {
    this.skip(this.#count & 7);
  }
}

const CODE_BITS_MAX = 16;

/** A Huffman code as a table of all values that the next bits may have. */
export class LowCode {
  readonly #table: Int32Array;
  readonly #width: number;

  /** `codes` belong to the symbols whose `lengths` are not 0, first bit of the code in bit 0. */
  constructor(lengths: ArrayLike<number>, codes: ArrayLike<number>) {
    let width = 1;
    for (let i = 0; i < lengths.length; i++) width = Math.max(width, lengths[i] as number);
    this.#width = width;
    this.#table = new Int32Array(1 << width).fill(-1);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number;
      if (length === 0) continue;
      const step = 1 << length;
      for (let at = codes[symbol] as number; at < this.#table.length; at += step) {
        this.#table[at] = (symbol << 5) | length;
      }
    }
  }

  /** A canonical code, as deflate has it (RFC 1951 §3.2.2); undefined if it has too many codes. */
  static canonical(lengths: Uint8Array): LowCode | undefined {
    const next = new Int32Array(CODE_BITS_MAX + 1);
    for (const length of lengths) if (length > 0) next[length] = (next[length] as number) + 1;
    let code = 0;
    for (let length = 1; length <= CODE_BITS_MAX; length++) {
      const count = next[length] as number;
      next[length] = code;
      code += count;
      if (code > 1 << length) return;
      code <<= 1;
    }
    const codes = Array.from(lengths, (length) => {
      if (length === 0) return 0;
      const own = next[length] as number;
      next[length] = own + 1;
      return reversed(own, length);
    });
    return new LowCode(lengths, codes);
  }

  /** The next symbol; -1 if the bits are none. */
  read(bits: LowBitReader): number {
    const found = this.#table[bits.peek(this.#width)] as number;
    if (found < 0) return -1;
    bits.skip(found & 31);
    return found >> 5;
  }
}

/** The lowest `count` bits of `value` in the opposite order. */
export function reversed(value: number, count: number): number {
  let result = 0;
  for (let bit = 0; bit < count; bit++) result |= ((value >> bit) & 1) << (count - 1 - bit);
  return result;
}
