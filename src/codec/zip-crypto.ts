// The traditional encryption of ZIP archives (APPNOTE.TXT 6.3.10 §6.1), both ways. It hides content
// from programs that look at files; whoever has the file and some patience can read it.

/** Bytes in front of an entry's data; the last one tells whether the password is right. */
export const ZIP_HEAD_SIZE = 12;

/** The state of one entry's cipher, which each byte moves on. §6.1.5. */
export class ZipKeys {
  readonly #table = crcTable();
  #key0 = 0x1234_5678;
  #key1 = 0x2345_6789;
  #key2 = 0x3456_7890;

  constructor(password: Uint8Array) {
    for (const byte of password) this.#update(byte);
  }

  /** The next byte in clear. */
  decrypt(byte: number): number {
    const clear = byte ^ this.#stream();
    this.#update(clear);
    return clear;
  }

  /** The next byte in cipher. */
  encrypt(byte: number): number {
    const cipher = byte ^ this.#stream();
    this.#update(byte);
    return cipher;
  }

  #stream(): number {
    const mixed = (this.#key2 | 2) & 0xffff;
    return (Math.imul(mixed, mixed ^ 1) >>> 8) & 0xff;
  }

  #update(byte: number): void {
    const table = this.#table;
    this.#key0 = (table[(this.#key0 ^ byte) & 0xff] as number) ^ (this.#key0 >>> 8);
    this.#key1 = (Math.imul(this.#key1 + (this.#key0 & 0xff), 0x0808_8405) + 1) | 0;
    this.#key2 = (table[(this.#key2 ^ (this.#key1 >>> 24)) & 0xff] as number) ^ (this.#key2 >>> 8);
  }
}

function crcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) === 0 ? 0 : 0xedb8_8320);
    table[index] = value;
  }
  return table;
}
