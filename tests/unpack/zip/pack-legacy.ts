// Writes what no program writes any more: the methods that ZIP had before deflate, in their simplest
// forms, and encrypted entries.
import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";

/** Bits, least significant first; codes are given with their first bit in front. */
class Bits {
  readonly #bits: number[] = [];

  number(value: number, width: number): this {
    for (let bit = 0; bit < width; bit++) this.#bits.push((value >> bit) & 1);
    return this;
  }

  code(value: number, width: number): this {
    for (let bit = width - 1; bit >= 0; bit--) this.#bits.push((value >> bit) & 1);
    return this;
  }

  get bytes(): Buffer {
    const bytes = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    for (const [at, bit] of this.#bits.entries()) {
      bytes[at >> 3] = (bytes[at >> 3] as number) | (bit << (at & 7));
    }
    return bytes;
  }
}

/** Shrunk data: LZW. */
export function shrink(content: Uint8Array): Buffer {
  const bits = new Bits();
  const strings = new Map<string, number>();
  let width = 9;
  let last = 256;
  let current = "";
  const write = (text: string) => {
    const code = text.length === 1 ? text.charCodeAt(0) : (strings.get(text) ?? 0);
    while (code >= 1 << width) bits.number(256, width).number(1, width++);
    bits.number(code, width);
  };
  for (const byte of content) {
    const longer = current + String.fromCharCode(byte);
    if (longer.length === 1 || strings.has(longer)) {
      current = longer;
      continue;
    }
    write(current);
    if (last < 8191) strings.set(longer, ++last);
    current = String.fromCharCode(byte);
  }
  write(current);
  return bits.bytes;
}

/** "abcdcd", shrunk: the dictionary is cleared after "abc", and its first code is used anew. */
export function shrinkWithClearing(): Buffer {
  const bits = new Bits();
  for (const code of [0x61, 0x62, 0x63, 256, 2, 0x64, 257]) bits.number(code, 9);
  return bits.bytes;
}

/** Reduced data with factor 1: no followers, literals, and one match if `match` says so. */
export function reduce(content: Uint8Array, match?: { distance: number; length: number }): Buffer {
  const bits = new Bits();
  for (let byte = 255; byte >= 0; byte--) {
    // One byte has followers: "a" is often followed by "b" or "c".
    if (byte === 0x61) bits.number(2, 6).number(0x62, 8).number(0x63, 8);
    else bits.number(0, 6);
  }
  let last = 0;
  const put = (byte: number) => {
    const place = last === 0x61 ? [0x62, 0x63].indexOf(byte) : -1;
    if (place >= 0) bits.number(0, 1).number(place, 1);
    else if (last === 0x61) bits.number(1, 1).number(byte, 8);
    else bits.number(byte, 8);
    last = byte;
  };
  for (const byte of content) {
    put(byte);
    if (byte === 144) put(0);
  }
  if (match !== undefined) {
    put(144);
    const far = (match.distance - 1) >> 8;
    put((far << 7) | (match.length - 3));
    put((match.distance - 1) & 255);
  }
  return bits.bytes;
}

/** Imploded data: literals as they are, and one match. */
export function implode(
  content: Uint8Array,
  match: { distance: number; length: number },
  hasLiterals: boolean,
): Buffer {
  const bits = new Bits();
  // Trees in which all codes are equally long: 8 bits for 256 literals, 6 for the others.
  if (hasLiterals) {
    bits.number(15, 8);
    for (let i = 0; i < 16; i++) bits.number(0xf7, 8);
  }
  for (let tree = 0; tree < 2; tree++) {
    bits.number(3, 8);
    for (let i = 0; i < 4; i++) bits.number(0xf5, 8);
  }
  for (const byte of content) {
    bits.number(1, 1);
    // Codes are counted from the last symbol on.
    if (hasLiterals) bits.code(255 - byte, 8);
    else bits.number(byte, 8);
  }
  const { distance, length } = match;
  const rest = length - (hasLiterals ? 3 : 2);
  bits.number(0, 1).number((distance - 1) & 63, 6);
  bits.code(63 - ((distance - 1) >> 6), 6).code(63 - Math.min(rest, 63), 6);
  if (rest >= 63) bits.number(rest - 63, 8);
  return bits.bytes;
}

/** Deflate64 with the fixed codes: the literals of `content`, then a match of `length`. */
export function deflate64(content: Uint8Array, distance: number, length: number): Buffer {
  const bits = new Bits().number(1, 1).number(1, 2);
  for (const byte of content) {
    if (byte < 144) bits.code(0x30 + byte, 8);
    else bits.code(0x190 + byte - 144, 9);
  }
  // 285: the length in 16 bits. Of the distances, only those with more than 13 bits are new.
  bits.code(0xc0 + 285 - 280, 8).number(length - 3, 16);
  const slots = distance > 49_152 ? 31 : 30;
  const base = slots === 31 ? 49_153 : 32_769;
  bits.code(slots, 5).number(distance - base, 14);
  return bits.code(0, 7).bytes;
}

function crcTable(): number[] {
  return Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) * 0xedb8_8320);
    return value >>> 0;
  });
}

/** `data` with ZIP's traditional encryption; `check` is the last byte of its head. */
export function encryptTraditional(data: Uint8Array, password: string, check: number): Buffer {
  const table = crcTable();
  const crc = (sum: number, byte: number) => ((table[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8)) >>> 0;
  const keys: [number, number, number] = [0x1234_5678, 0x2345_6789, 0x3456_7890];
  const update = (byte: number) => {
    keys[0] = crc(keys[0], byte);
    keys[1] = (Math.imul((keys[1] + (keys[0] & 255)) | 0, 0x0808_8405) + 1) >>> 0;
    keys[2] = crc(keys[2], keys[1] >>> 24);
  };
  for (const byte of Buffer.from(password)) update(byte);
  const clear = Buffer.concat([Buffer.alloc(11, 0x77), Buffer.from([check]), data]);
  return Buffer.from(
    clear.map((byte) => {
      const mixed = (keys[2] | 2) & 0xffff;
      update(byte);
      return byte ^ ((Math.imul(mixed, mixed ^ 1) >>> 8) & 255);
    }),
  );
}

/** `data` with WinZip's AES, 256 bits, and the field that goes with it. */
export function encryptAes(data: Uint8Array, password: string, method: number) {
  const salt = Buffer.alloc(16, 9);
  const keys = pbkdf2Sync(password, salt, 1000, 66, "sha1");
  const cipher = createCipheriv("aes-256-ecb", keys.subarray(0, 32), null).setAutoPadding(false);
  const secret = Buffer.from(data);
  for (let at = 0; at < secret.length; at += 16) {
    const counter = Buffer.alloc(16);
    counter.writeUInt32LE(at / 16 + 1);
    const stream = cipher.update(counter);
    for (let i = 0; i < 16 && at + i < secret.length; i++) {
      secret[at + i] = (secret[at + i] as number) ^ (stream[i] as number);
    }
  }
  const proof = createHmac("sha1", keys.subarray(32, 64)).update(secret).digest().subarray(0, 10);
  const extra = Buffer.from([1, 0x99, 7, 0, 2, 0, 0x41, 0x45, 3, method, 0]);
  return { packed: Buffer.concat([salt, keys.subarray(64), secret, proof]), extra };
}
