// The normalised view of a text: lower case, white space as single spaces, ASCII only.

/** What a byte becomes: itself, its lower case, a space, or nothing (-1). */
function tableOf(): Int16Array {
  const table = new Int16Array(256).fill(-1);
  for (let c = 0x21; c < 0x7f; c++) table[c] = c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
  for (const space of [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]) table[space] = 0x20;
  return table;
}

const TABLE = tableOf();

/** The text without case, without more than one space in a row, without all that is not ASCII. */
export function textView(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let last = 0;
  for (const byte of bytes) {
    const c = TABLE[byte] ?? -1;
    if (c < 0 || (c === 0x20 && last === 0x20)) continue;
    out[length++] = c;
    last = c;
  }
  return out.subarray(0, length);
}
