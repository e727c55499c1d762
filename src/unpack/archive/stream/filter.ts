// The filters that xz puts in front of LZMA2 for programs and samples: delta, and the branch filters,
// which made jump targets absolute. "The .xz File Format" 1.2.1 §5.3.2, §5.3.3.

const DELTA = 3;
const X86 = 4;
const ARM = 7;

/** Undoes filter `id` over all that was decoded; false if it is none that is known. */
export function unfilter(bytes: Uint8Array, id: number, properties: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = properties;
  const start = a | (b << 8) | (c << 16) | (d << 24);
  if (id === DELTA) undelta(bytes, a + 1);
  else if (id === X86) unbranchX86(bytes, start);
  else if (id === ARM) unbranchArm(bytes, start);
  else return false;
  return true;
}

function undelta(bytes: Uint8Array, distance: number): void {
  for (let at = distance; at < bytes.length; at++) {
    bytes[at] = (bytes[at] as number) + (bytes[at - distance] as number);
  }
}

// BL with a 24-bit offset, counted in words from two instructions on.
function unbranchArm(bytes: Uint8Array, start: number): void {
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (bytes[at + 3] !== 0xeb) continue;
    const [low = 0, middle = 0, high = 0] = bytes.subarray(at, at + 3);
    const target = ((low | (middle << 8) | (high << 16)) << 2) - (start + at + 8);
    bytes[at] = target >>> 2;
    bytes[at + 1] = target >>> 10;
    bytes[at + 2] = target >>> 18;
  }
}

function isFar(byte: number): boolean {
  return byte === 0 || byte === 0xff;
}

// CALL and JMP (E8, E9) whose target lies within 16 MB. An opcode may also be a byte of another
// one's target: `mask` holds where the last few opcodes were, and some patterns were left alone.
const IS_ALLOWED = [true, true, true, false, true, false, false, false];
const BYTE_OF_MASK = [0, 1, 2, 2, 3, 3, 3, 3];

function unbranchX86(bytes: Uint8Array, start: number): void {
  let mask = 0;
  let previous = -5;
  for (let at = 0; at + 5 <= bytes.length; ) {
    if (((bytes[at] as number) & 0xfe) !== 0xe8) {
      at++;
      continue;
    }
    const gap = at - previous;
    previous = at;
    if (gap > 5) mask = 0;
    for (let i = 0; i < gap && mask !== 0; i++) mask = (mask & 0x77) << 1;
    const isTop = isFar(bytes[at + 4] as number);
    if (isTop && mask >> 1 < 16 && IS_ALLOWED[(mask >> 1) & 7] === true) {
      putTarget(bytes, at + 1, relative(readTarget(bytes, at + 1), start + at + 5, mask));
      at += 5;
      mask = 0;
    } else {
      at++;
      mask |= isTop ? 0x11 : 1;
    }
  }
}

function relative(target: number, next: number, mask: number): number {
  let source = target;
  // Each round clears one more byte that was changed twice; three bytes are all there are.
  for (let round = 0; round < 4; round++) {
    const result = (source - next) | 0;
    if (mask === 0) return result;
    const shift = 8 * (BYTE_OF_MASK[(mask >> 1) & 7] ?? 0);
    if (!isFar((result >>> (24 - shift)) & 0xff)) return result;
    source = result ^ (shift === 0 ? -1 : 2 ** (32 - shift) - 1);
  }
  return (source - next) | 0;
}

function readTarget(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return a | (b << 8) | (c << 16) | (d << 24);
}

function putTarget(bytes: Uint8Array, at: number, target: number): void {
  bytes[at] = target;
  bytes[at + 1] = target >>> 8;
  bytes[at + 2] = target >>> 16;
  bytes[at + 3] = (target & 0x0100_0000) === 0 ? 0 : 0xff;
}
