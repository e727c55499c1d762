// Bits in words of two bytes, low byte first, highest bit first, as LZX and XPRESS pack them; and the
// Huffman codes that are read from them.

const CODE_BITS_MAX = 16;

/** Reads bits; beyond the end they are zero, and `isPast` says so. */
export class WordBits {
  readonly #bytes: Uint8Array;
  at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  get isPast(): boolean {
    return this.at * 8 - this.#count > this.#bytes.length * 8;
  }

  /** The next `count` bits (up to 16), which stay. */
  peek(count: number): number {
    if (this.#count < count) {
      const low = this.#bytes[this.at] ?? 0;
      const high = this.#bytes[this.at + 1] ?? 0;
      this.#held = ((this.#held & 0xffff) << 16) | (high << 8) | low;
      this.#count += 16;
      this.at += 2;
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
  }

  take(count: number): number {
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }

  takeLong(count: number): number {
    if (count <= 16) return this.take(count);
    const high = this.take(count - 16);
    return high * 65_536 + this.take(16);
  }

  /** Goes on at the next word; before stored bytes a whole word is skipped rather than none. */
  align(isStored: boolean): void {
    // Looking ahead may have taken one word too many.
    if (this.#count > 16 || (this.#count === 16 && !isStored)) this.at -= 2;
    if (this.#count === 0 && isStored) this.at += 2;
    this.#count = 0;
  }
}

/** A canonical code: per length the largest code, and where its symbols begin. */
export class WordCode {
  readonly lengths: Uint8Array;
  readonly #limits = new Int32Array(CODE_BITS_MAX + 1);
  readonly #bases = new Int32Array(CODE_BITS_MAX + 1);
  readonly #symbols: Uint16Array;

  constructor(size: number) {
    this.lengths = new Uint8Array(size);
    this.#symbols = new Uint16Array(size);
  }

  /** Makes the code from `lengths`; false if they are those of no code. */
  build(): boolean {
    let code = 0;
    let index = 0;
    for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
      const first = index;
      for (let symbol = 0; symbol < this.lengths.length; symbol++) {
        if (this.lengths[symbol] === bits) this.#symbols[index++] = symbol;
      }
      this.#bases[bits] = first - code;
      code += index - first;
      this.#limits[bits] = code;
      if (code > 1 << bits) return false;
      code <<= 1;
    }
    return true;
  }

  /** The next symbol, -1 if no code stands there. */
  read(bits: { peek(count: number): number; skip(count: number): void }): number {
    const ahead = bits.peek(CODE_BITS_MAX);
    for (let length = 1; length <= CODE_BITS_MAX; length++) {
      const code = ahead >>> (CODE_BITS_MAX - length);
      if (code >= (this.#limits[length] as number)) continue;
      bits.skip(length);
      return this.#symbols[code + (this.#bases[length] as number)] ?? -1;
    }
    return -1;
  }
}
