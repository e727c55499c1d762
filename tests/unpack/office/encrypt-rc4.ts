// RC4 as old Office documents are encrypted with, and what they tell of it.
import { createHash } from "node:crypto";
import { u16, u32, wide } from "./build-office.ts";

export const SALT = Buffer.from("0123456789abcdef");

export const hash = (name: string, ...parts: readonly Uint8Array[]) =>
  parts.reduce((sum, part) => sum.update(part), createHash(name)).digest();

/** "EncryptionHeader", with its size. */
export const header = (keyBits: number) => {
  const fields = [u32(4), u32(0), u32(0), u32(0x8004), u32(keyBits), u32(1), u32(0), u32(0)];
  const bytes = Buffer.concat([...fields, wide("CSP\0")]);
  return Buffer.concat([u32(4), u32(bytes.length), bytes]);
};

export function rc4(key: Buffer, data: Buffer): Buffer {
  const state = Array.from({ length: 256 }, (_, n) => n);
  const at = (n: number) => state[n & 255] as number;
  const swap = (a: number, b: number) => {
    [state[a & 255], state[b & 255]] = [at(b), at(a)];
  };
  let j = 0;
  for (let i = 0; i < 256; i++) {
    j += at(i) + (key[i % key.length] as number);
    swap(i, j);
  }
  j = 0;
  return data.map((byte, n) => {
    j += at(n + 1);
    swap(n + 1, j);
    return byte ^ at(at(n + 1) + at(j));
  }) as Buffer;
}

/** "EncryptionInfo" for a password, and the key of each block; `bits` of 0 is the oldest kind. */
export function rc4Info(password: string, bits: number) {
  const name = bits === 0 ? "md5" : "sha1";
  let base = hash("sha1", SALT, wide(password));
  if (bits === 0) {
    const start = Buffer.concat([hash("md5", wide(password)).subarray(0, 5), SALT]);
    base = hash("md5", Buffer.concat(Array.from({ length: 16 }, () => start))).subarray(0, 5);
  }
  const keyOf = (block: number) => {
    const key = hash(name, base, u32(block));
    if (bits === 0) return key;
    return bits === 40
      ? Buffer.concat([key.subarray(0, 5), Buffer.alloc(11)])
      : key.subarray(0, 16);
  };
  const verifier = Buffer.alloc(16, 3);
  const sealed = rc4(keyOf(0), Buffer.concat([verifier, hash(name, verifier)]));
  const info =
    bits === 0
      ? [u16(1), u16(1), SALT, sealed]
      : [
          ...[u16(2), u16(2), header(bits), u32(16), SALT],
          ...[sealed.subarray(0, 16), u32(20), sealed.subarray(16)],
        ];
  return { info: Buffer.concat(info), keyOf };
}
