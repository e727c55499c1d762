// Bits of a buffer, most significant first, as bzip2 and the LZH family pack them.

/** Reads bits; beyond the end they are zero, and `isPast` says so. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Whether more was read than there is. */
  get isPast(): boolean {
    return this.#at - (this.#count >> 3) > this.#end;
  }

  /** The position of the byte behind the one that was last read from. */
  get at(): number {
    return this.#at - (this.#count >> 3);
  }

  /** The next `count` bits (up to 24), which stay. */
  peek(count: number): number {
    while (this.#count < count) {
      const byte = this.#at < this.#end ? (this.#bytes[this.#at] as number) : 0;
      this.#held = (this.#held << 8) | byte;
      this.#at++;
      this.#count += 8;
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
  }

  /** Takes the next `count` bits (up to 24). */
  take(count: number): number {
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }

  /** Goes on at the next whole byte. */
  align(): void {
    this.#count -= this.#count & 7;
  }
}
