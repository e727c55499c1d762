// AES as PDF encryption has it (ISO 32000-2 §7.6.3): in CBC mode, with the first block as its
// initialisation vector.

import { createCipheriv, createDecipheriv } from "node:crypto";

const BLOCK = 16;
/** Sixteen zero bytes: the vector of wrapped keys. */
export const NO_VECTOR: Uint8Array = new Uint8Array(BLOCK);

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
