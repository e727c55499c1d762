// The stream filters of ISO 32000-2 §7.4 that zlib does not do. Each takes what it can: damaged
// input yields its intact front, and output never passes `sizeMax`.

import { hexBytes } from "./strings.ts";

/** How a filter ended, as in `InflateEnd`. */
export interface Filtered {
  /** Empty for "too-large". */
  readonly bytes: Buffer;
  readonly end: "whole" | "truncated" | "corrupt" | "too-large";
}

const NOTHING = Buffer.alloc(0);
const TOO_LARGE: Filtered = { bytes: NOTHING, end: "too-large" };

/** §7.4.2. What stands behind `>` is not data. */
export function asciiHexDecode(input: Buffer, sizeMax: number): Filtered {
  const end = input.indexOf(0x3e);
  const digits = end < 0 ? input : input.subarray(0, end);
  if (digits.length > 2 * sizeMax) return TOO_LARGE;
  return { bytes: hexBytes(digits), end: "whole" };
}

/** §7.4.3. White space and other strays are passed over; `~` ends the data. */
export function ascii85Decode(input: Buffer, sizeMax: number): Filtered {
  // Some writers put the `<~` of other programs in front.
  let at = input.toString("latin1", 0, 2) === "<~" ? 2 : 0;
  // `z` makes four bytes of one; all else makes less than it was.
  const room = Math.min(sizeMax, input.length * 4) + 4;
  let out: Buffer = Buffer.allocUnsafe(Math.min(room, input.length + 64));
  let length = 0;
  let group = 0;
  let digits = 0;
  for (; at < input.length; at++) {
    const byte = input[at] as number;
    if (byte === 0x7e) break;
    const isZero = byte === 0x7a && digits === 0;
    if (!isZero && (byte < 0x21 || byte > 0x75)) continue;
    if (!isZero) {
      group = group * 85 + byte - 0x21;
      if (++digits < 5) continue;
    }
    if (length + 4 > sizeMax) return TOO_LARGE;
    if (length + 8 > out.length) out = grown(out, length, room);
    out.writeUInt32BE(isZero ? 0 : group % 0x1_0000_0000, length);
    length += 4;
    group = digits = 0;
  }
  // n digits at the end make n - 1 bytes, read as if filled up with the highest digit.
  if (digits > 1) {
    for (let fill = digits; fill < 5; fill++) group = group * 85 + 84;
    if (length + digits - 1 > sizeMax) return TOO_LARGE;
    if (length + 8 > out.length) out = grown(out, length, room + 4);
    out.writeUInt32BE(group % 0x1_0000_0000, length);
    length += digits - 1;
  }
  return { bytes: out.subarray(0, length), end: "whole" };
}

/** §7.4.5. A length byte of 128 ends the data. */
export function runLengthDecode(input: Buffer, sizeMax: number): Filtered {
  let size = 0;
  let end = input.length;
  for (let at = 0; at < input.length; ) {
    const code = input[at] as number;
    if (code === 128) {
      end = at;
      break;
    }
    size += code < 128 ? Math.min(code + 1, input.length - at - 1) : 257 - code;
    at += code < 128 ? code + 2 : 2;
  }
  if (size > sizeMax) return TOO_LARGE;
  const out = Buffer.allocUnsafe(size);
  let length = 0;
  for (let at = 0; at < end; ) {
    const code = input[at] as number;
    if (code < 128) {
      length += input.copy(out, length, at + 1, at + 2 + code);
      at += code + 2;
      continue;
    }
    const byte = input[at + 1];
    if (byte === undefined) break;
    out.fill(byte, length, length + 257 - code);
    length += 257 - code;
    at += 2;
  }
  return { bytes: out.subarray(0, length), end: "whole" };
}

const LZW_CLEAR = 256;
const LZW_END = 257;
const LZW_CODES = 4096;

/**
 * §7.4.4.2: codes of 9 to 12 bits, high bit first. `early` is 1 if code lengths grow one code
 * before they must, as is usual. Strings are kept as places in the output, where they all stand.
 */
export function lzwDecode(input: Buffer, sizeMax: number, early: number): Filtered {
  const starts = new Uint32Array(LZW_CODES + 1);
  const lengths = new Uint32Array(LZW_CODES + 1);
  let out: Buffer = Buffer.allocUnsafe(Math.min(sizeMax + LZW_CODES, input.length * 4 + LZW_CODES));
  let length = 0;
  let next = LZW_END + 1;
  let width = 9;
  let bits = 0;
  let held = 0;
  let previous = -1;
  for (let at = 0; ; ) {
    for (; held < width && at < input.length; held += 8) {
      bits = ((bits << 8) | (input[at++] as number)) & 0xff_ffff;
    }
    // Some writers forget the end code: the data ends with the last whole code then.
    if (held < width) return { bytes: out.subarray(0, length), end: "whole" };
    held -= width;
    const code = (bits >> held) & ((1 << width) - 1);
    if (code === LZW_END) return { bytes: out.subarray(0, length), end: "whole" };
    if (code === LZW_CLEAR) {
      next = LZW_END + 1;
      width = 9;
      previous = -1;
      continue;
    }
    if (code > next || (code === next && previous < 0)) {
      return { bytes: out.subarray(0, length), end: "corrupt" };
    }
    const place = length;
    const before = previous < 0 ? 0 : previous < 256 ? 1 : (lengths[previous] as number);
    const size = code < 256 ? 1 : code === next ? before + 1 : (lengths[code] as number);
    if (length + size > sizeMax) return TOO_LARGE;
    if (length + size > out.length) out = grown(out, length + size, sizeMax + LZW_CODES);
    if (code < 256) out[length++] = code;
    else {
      // Source and target may overlap by the one byte that is just being made.
      let from = code === next ? place - before : (starts[code] as number);
      for (let left = size; left > 0; left--) out[length++] = out[from++] as number;
    }
    // The new string is the previous one and the byte behind it: both lie in the output.
    if (previous >= 0 && next < LZW_CODES) {
      starts[next] = place - before;
      lengths[next] = before + 1;
      next++;
    }
    previous = code;
    // A full table is kept until it is cleared.
    const used = next + early;
    width = used >= 2048 ? 12 : used >= 1024 ? 11 : used >= 512 ? 10 : 9;
  }
}

function grown(bytes: Buffer, needed: number, sizeMax: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(needed + 8, Math.min(sizeMax, bytes.length * 2)));
  bytes.copy(larger);
  return larger;
}

/** What `/DecodeParms` says of a predictor. */
export interface Prediction {
  readonly predictor: number;
  readonly colors: number;
  readonly bits: number;
  readonly columns: number;
}

const ROW_BYTES_MAX = 1 << 26;

/** §7.4.4.4: what stood there before each byte was replaced by its difference to a neighbour. */
export function unpredict(input: Buffer, how: Prediction): Buffer {
  const bitsPerPixel = Math.max(1, how.colors) * Math.max(1, how.bits);
  const pixel = Math.ceil(bitsPerPixel / 8);
  const row = Math.ceil((bitsPerPixel * Math.max(1, how.columns)) / 8);
  if (!(row > 0 && row < ROW_BYTES_MAX)) return input;
  if (how.predictor >= 10) return unpredictPng(input, row, pixel);
  return how.predictor === 2 && how.bits === 8 ? unpredictTiff(input, row, pixel) : input;
}

function unpredictTiff(input: Buffer, row: number, pixel: number): Buffer {
  const out = Buffer.from(input);
  for (let start = 0; start < out.length; start += row) {
    const end = Math.min(start + row, out.length);
    for (let at = start + pixel; at < end; at++) {
      out[at] = (out[at] as number) + (out[at - pixel] as number);
    }
  }
  return out;
}

// Each row begins with a byte that names its method. PNG specification, third edition, §9.2.
function unpredictPng(input: Buffer, row: number, pixel: number): Buffer {
  const rows = Math.ceil(input.length / (row + 1));
  const out = Buffer.alloc(Math.max(0, input.length - rows));
  for (let n = 0; n < rows; n++) {
    const from = n * (row + 1);
    const to = n * row;
    const method = input[from] as number;
    const size = Math.min(row, input.length - from - 1);
    input.copy(out, to, from + 1, from + 1 + size);
    if (method === 0 || method > 4) continue;
    for (let at = to; at < to + size; at++) {
      const left = at - to >= pixel ? (out[at - pixel] as number) : 0;
      const up = n > 0 ? (out[at - row] as number) : 0;
      const corner = n > 0 && at - to >= pixel ? (out[at - row - pixel] as number) : 0;
      out[at] = (out[at] as number) + guess(method, left, up, corner);
    }
  }
  return out;
}

function guess(method: number, left: number, up: number, corner: number): number {
  if (method === 1) return left;
  if (method === 2) return up;
  if (method === 3) return (left + up) >> 1;
  const estimate = left + up - corner;
  const [a, b, c] = [
    Math.abs(estimate - left),
    Math.abs(estimate - up),
    Math.abs(estimate - corner),
  ];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
