// What a decoder has made so far. It doubles as the decoder's window: matches copy from it.

/** Thrown where a stream makes more than it may; caught where the stream is opened. */
export class OutputFullError extends Error {}

const FIRST_BYTES = 64 << 10;

/** Bytes that grow up to a limit. */
export class Output {
  readonly #sizeMax: number;
  bytes: Uint8Array;
  size = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
    this.bytes = new Uint8Array(Math.min(Math.max(sizeMax, 0), FIRST_BYTES));
  }

  /** What has been made, without a copy. */
  get made(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }

  /** Bytes that may still be made. */
  get room(): number {
    return this.#sizeMax - this.size;
  }

  /** Makes room for `count` more bytes; throws OutputFullError beyond the limit. */
  reserve(count: number): void {
    const needed = this.size + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.#sizeMax) throw new OutputFullError();
    const capacity = Math.min(this.#sizeMax, Math.max(needed, this.bytes.length * 2));
    const grown = new Uint8Array(capacity);
    grown.set(this.made);
    this.bytes = grown;
  }

  push(byte: number): void {
    if (this.size === this.bytes.length) this.reserve(1);
    this.bytes[this.size++] = byte;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Repeats `length` bytes from `distance` back, which may overlap what it makes. */
  copy(distance: number, length: number): void {
    this.reserve(length);
    const { bytes } = this;
    const end = this.size + length;
    if (distance >= length) bytes.copyWithin(this.size, this.size - distance, end - distance);
    else for (let at = this.size; at < end; at++) bytes[at] = bytes[at - distance] as number;
    this.size = end;
  }
}
