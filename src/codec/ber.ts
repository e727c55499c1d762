// BER and DER, as far as signed mail and signed programs need it: elements one after another, of
// definite or indefinite length, and octet strings written in pieces. Nothing recurses over the
// input. X.690 §8. Elements of DER are written for certificates of gw's own.

/** An element. Of an indefinite one the contents reach as far as its parent does. */
export interface BerElement {
  readonly tag: number;
  readonly isConstructed: boolean;
  readonly isIndefinite: boolean;
  readonly start: number;
  readonly end: number;
  /** The declared length goes beyond what is there. */
  readonly isCut: boolean;
}

/** Bytes of an octet string put together. */
export interface Octets {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

export const BER_TAG = { octets: 0x04, oid: 0x06, sequence: 0x30, explicit0: 0xa0 } as const;

const ELEMENTS_MAX = 200_000;
const CONSTRUCTED = 0x20;

/** The element at `at`, or undefined if none fits before `end`. */
export function readBer(bytes: Buffer, at: number, end: number): BerElement | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  // Tags above 30 take more bytes; no format read here has them.
  if (at + 2 > end || tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return;
  const isConstructed = (tag & CONSTRUCTED) !== 0;
  const shape = { tag, isConstructed };
  if (first === 0x80) {
    if (!isConstructed) return;
    return { ...shape, isIndefinite: true, start: at + 2, end, isCut: false };
  }
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 6 || at + 2 + lengthBytes > end) return;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  const isCut = start + length > end;
  return { ...shape, isIndefinite: false, start, end: Math.min(end, start + length), isCut };
}

/** Where the element behind `element` begins. Indefinite ones are walked to their end mark. */
export function behindBer(bytes: Buffer, element: BerElement): number {
  if (!element.isIndefinite) return element.end;
  let open = 1;
  let at = element.start;
  for (let count = 0; open > 0 && count < ELEMENTS_MAX; count++) {
    if (isEndMark(bytes, at, element.end)) {
      open--;
      at += 2;
      continue;
    }
    const inner = readBer(bytes, at, element.end);
    if (inner === undefined) return element.end;
    if (inner.isIndefinite) open++;
    at = inner.isIndefinite ? inner.start : inner.end;
  }
  return at;
}

/** The contents of an octet string; constructed ones are put together from their pieces. */
export function octetsOf(bytes: Buffer, element: BerElement): Octets {
  if (!element.isConstructed) {
    return { bytes: bytes.subarray(element.start, element.end), isWhole: !element.isCut };
  }
  const pieces: Buffer[] = [];
  let isWhole = !element.isCut;
  let open = element.isIndefinite ? 1 : 0;
  let at = element.start;
  for (let count = 0; at < element.end; count++) {
    if (isEndMark(bytes, at, element.end)) {
      at += 2;
      if (--open <= 0) return { bytes: Buffer.concat(pieces), isWhole };
      continue;
    }
    const piece = readBer(bytes, at, element.end);
    if (piece === undefined || count > ELEMENTS_MAX) {
      isWhole = false;
      break;
    }
    if (piece.isCut) isWhole = false;
    // Pieces may be made of pieces: stepping in is enough to read them in order.
    if (piece.isConstructed) {
      if (piece.isIndefinite) open++;
      at = piece.start;
      continue;
    }
    if ((piece.tag & 0x1f) === BER_TAG.octets) pieces.push(bytes.subarray(piece.start, piece.end));
    at = piece.end;
  }
  return { bytes: Buffer.concat(pieces), isWhole: isWhole && open <= 0 };
}

/** The dotted form of an object identifier's contents, "" if it is malformed. */
export function oidText(contents: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of contents.subarray(0, 32)) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length === 0) {
      const top = Math.min(2, Math.floor(value / 40));
      numbers.push(top, value - 40 * top);
    } else numbers.push(value);
    value = 0;
  }
  return numbers.join(".");
}

/** An element of DER with these contents. X.690 §10.1: the length in as few bytes as can be. */
export function derOf(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  const size = length < 0x80 ? [length] : [0x80 + digits.length, ...digits];
  return Buffer.concat([Buffer.from([tag, ...size]), ...contents]);
}

function isEndMark(bytes: Buffer, at: number, end: number): boolean {
  return at + 2 <= end && bytes[at] === 0 && bytes[at + 1] === 0;
}
