// Quoted-printable, read the way mail programs do: what is no escape stands for itself, and a soft
// line break may have white space behind its "=". RFC 2045 §6.7.

/** Decodes quoted-printable; the input itself is given back if it holds no "=". Never throws. */
export function decodeQuotedPrintable(input: Uint8Array): Uint8Array {
  let at = input.indexOf(0x3d);
  if (at < 0) return input;
  const bytes = Buffer.allocUnsafeSlow(input.length);
  bytes.set(input.subarray(0, at));
  let size = at;
  while (at < input.length) {
    const byte = input[at] as number;
    if (byte !== 0x3d) {
      bytes[size++] = byte;
      at++;
      continue;
    }
    const high = hexValue(input[at + 1]);
    const low = hexValue(input[at + 2]);
    if (high >= 0 && low >= 0) {
      bytes[size++] = (high << 4) | low;
      at += 3;
      continue;
    }
    const next = softBreakEnd(input, at + 1);
    if (next < 0) bytes[size++] = byte;
    at = next < 0 ? at + 1 : next;
  }
  return bytes.subarray(0, size);
}

/** The value of a hexadecimal digit, -1 for all else. */
export function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

// Where the line after a soft break begins; -1 if there is no soft break. White space is only
// skipped as far as a line may be long, so that the whole stays linear.
function softBreakEnd(input: Uint8Array, start: number): number {
  let at = start;
  while (at - start < 1000 && (input[at] === 0x20 || input[at] === 9)) at++;
  if (at >= input.length) return input.length;
  if (input[at] === 13) return input[at + 1] === 10 ? at + 2 : at + 1;
  return input[at] === 10 ? at + 1 : -1;
}
