// The ciphers of PDF encryption (ISO 32000-2 §7.6.3): RC4, and AES in CBC mode with the first block
// as its initialisation vector. RC4 is our own since OpenSSL's successors are leaving it out.

import { createCipheriv, createDecipheriv } from "node:crypto";

const BLOCK = 16;
/** Sixteen zero bytes: the vector of wrapped keys. */
export const NO_VECTOR: Uint8Array = new Uint8Array(BLOCK);

/** RC4, which undoes itself. */
export function rc4(key: Uint8Array, input: Uint8Array): Buffer {
  const state = new Uint8Array(256);
  for (let i = 0; i < 256; i++) state[i] = i;
  for (let i = 0, j = 0; i < 256; i++) {
    const swapped = state[i] as number;
    j = (j + swapped + (key[i % key.length] as number)) & 255;
    state[i] = state[j] as number;
    state[j] = swapped;
  }
  const out = Buffer.allocUnsafe(input.length);
  for (let at = 0, i = 0, j = 0; at < input.length; at++) {
    i = (i + 1) & 255;
    const one = state[i] as number;
    j = (j + one) & 255;
    const other = state[j] as number;
    state[i] = other;
    state[j] = one;
    out[at] = (input[at] as number) ^ (state[(one + other) & 255] as number);
  }
  return out;
}

/** AES-CBC as strings and streams have it. What is no whole block at the end is left off. */
export function aesDecrypt(key: Uint8Array, input: Buffer): Buffer {
  const whole = input.length - (input.length % BLOCK);
  if (whole < 2 * BLOCK) return input.subarray(0, 0);
  const vector = input.subarray(0, BLOCK);
  const plain = aesRaw(key, vector, input.subarray(BLOCK, whole));
  // As many bytes of padding as the last one says; a wrong number is left where it is.
  const padding = plain[plain.length - 1] as number;
  return padding >= 1 && padding <= BLOCK ? plain.subarray(0, plain.length - padding) : plain;
}

/** AES-CBC without padding; `input` is whole blocks. */
export function aesRaw(key: Uint8Array, vector: Uint8Array, input: Uint8Array): Buffer {
  const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, vector);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(input), cipher.final()]);
}

/** AES-CBC encryption without padding, as Algorithm 2.B needs it. */
export function aesEncryptRaw(key: Uint8Array, vector: Uint8Array, input: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, vector);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(input), cipher.final()]);
}
