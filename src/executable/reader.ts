// Numbers and texts out of hostile bytes. Whatever is not there reads as zero or "", so that parsers
// check once, where it matters, and never throw.

/** Reads one byte order; offsets beyond the bytes are allowed. */
export class Reader {
  readonly bytes: Buffer;
  readonly isBig: boolean;

  constructor(bytes: Uint8Array, isBig = false) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.isBig = isBig;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** Whether `size` bytes stand at `at`. */
  has(at: number, size: number): boolean {
    return at >= 0 && size >= 0 && at + size <= this.bytes.length;
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0;
  }

  u16(at: number): number {
    if (!this.has(at, 2)) return 0;
    return this.isBig ? this.bytes.readUInt16BE(at) : this.bytes.readUInt16LE(at);
  }

  u32(at: number): number {
    if (!this.has(at, 4)) return 0;
    return this.isBig ? this.bytes.readUInt32BE(at) : this.bytes.readUInt32LE(at);
  }

  /** A 64-bit number; exact only up to 2^53, beyond which no offset of ours can lie. */
  u64(at: number): number {
    return Number(this.big64(at));
  }

  /** A 64-bit number, exact. */
  big64(at: number): bigint {
    if (!this.has(at, 8)) return 0n;
    return this.isBig ? this.bytes.readBigUInt64BE(at) : this.bytes.readBigUInt64LE(at);
  }

  /** Latin-1 text up to a NUL, the end, or `max` bytes. */
  text(at: number, max: number): string {
    if (at < 0 || at >= this.bytes.length || max <= 0) return "";
    const reach = Math.min(this.bytes.length, at + max);
    const nul = this.bytes.subarray(at, reach).indexOf(0);
    return this.bytes.toString("latin1", at, nul < 0 ? reach : at + nul);
  }

  /** The bytes from `at`, as many of `size` as there are, without a copy. */
  slice(at: number, size: number): Buffer {
    const start = Math.min(Math.max(at, 0), this.bytes.length);
    return this.bytes.subarray(start, Math.min(this.bytes.length, start + Math.max(size, 0)));
  }
}
