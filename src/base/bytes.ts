// Views of bytes: none of these copies.

/** `bytes` as a Buffer over the same memory, for its native searches and slices. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether there is anything but white space and NUL between `start` and `end`. */
export function isBlank(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0 && (byte < 9 || byte > 13) && byte !== 0x20)) return false;
  }
  return true;
}

/** Where the line holding `at` ends: the position of its CR or LF, or `end`. */
export function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && bytes[position] !== 10 && bytes[position] !== 13) position++;
  return position;
}

/** The position behind the line end (CRLF, LF or a bare CR) at `at`, if there is one. */
export function skipLineEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return end;
  if (bytes[at] === 13) return at + 1 < end && bytes[at + 1] === 10 ? at + 2 : at + 1;
  return bytes[at] === 10 ? at + 1 : at;
}

/** True if there is a byte above 127. */
export function hasHighByte(bytes: Uint8Array): boolean {
  // Four bytes a step where they lie so; this looks at whole messages.
  const head = Math.min((4 - (bytes.byteOffset % 4)) % 4, bytes.length);
  const words = Math.floor((bytes.length - head) / 4);
  const wide = words > 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset + head, words) : [];
  for (let at = 0; at < words; at++) if (((wide[at] as number) & 0x80808080) !== 0) return true;
  for (let at = 0; at < head; at++) if ((bytes[at] as number) > 127) return true;
  for (let at = head + words * 4; at < bytes.length; at++) {
    if ((bytes[at] as number) > 127) return true;
  }
  return false;
}
