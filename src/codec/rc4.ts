// RC4, in which old Office documents and PDFs are encrypted. Written out here: ciphers that are not
// safe any more are missing in many builds of the crypto library. Only ever used to open files.

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
