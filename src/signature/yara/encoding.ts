// The forms in which a text may stand in a file: wide, xored, in base64.

/** Every byte followed by a NUL: UTF-16 of Latin-1. */
export function widened(bytes: Uint8Array): Uint8Array {
  const wide = new Uint8Array(bytes.length * 2);
  for (const [i, byte] of bytes.entries()) wide[2 * i] = byte;
  return wide;
}

/** With A-Z in lower case. */
export function lowered(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));
}

/** One text for each key. */
export function xored(bytes: Uint8Array, keys: { low: number; high: number }): Uint8Array[] {
  return Array.from({ length: keys.high - keys.low + 1 }, (_, i) =>
    bytes.map((byte) => byte ^ (keys.low + i)),
  );
}

/** Characters of base64 that depend on what stands before, by how many bytes that is modulo 3. */
const LEADING = [0, 2, 3] as const;
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The parts of a text's base64 that are the same whatever stands around it: one for each of the three
 * places a text can begin at (RFC 4648 §4).
 */
export function base64Forms(bytes: Uint8Array, alphabet: string): Uint8Array[] {
  return LEADING.map((skip, before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    // Six bits a character; those that also hold bits of what comes behind are left out.
    const whole = Math.floor((padded.length * 8) / 6);
    const text = padded.toString("base64").slice(skip, whole);
    const own = [...text].map((character) => alphabet[STANDARD.indexOf(character)] ?? "");
    return Buffer.from(own.join(""), "latin1");
  });
}
