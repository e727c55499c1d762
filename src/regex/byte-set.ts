// Sets of bytes, and the named ones of regular expressions. Sets are values: nothing changes them.
// Names mean what they do in the "C" locale: bytes from 0x80 are no letters, digits or spaces.

const WORDS = 8;
const A_UPPER = 0x41;
const A_LOWER = 0x61;
const LETTERS = 26;
const CASE_BIT = 0x20;

/** Whether the byte is one of A-Z and a-z. */
export function isLetter(byte: number): boolean {
  const lower = byte | CASE_BIT;
  return lower >= A_LOWER && lower < A_LOWER + LETTERS && byte < 0x80;
}

/** The byte in lower case. */
export function lowerCase(byte: number): number {
  return byte >= A_UPPER && byte < A_UPPER + LETTERS ? byte | CASE_BIT : byte;
}

/** A set of bytes. */
export class ByteSet {
  readonly #words: Uint32Array;
  #key: string | undefined;
  /** Number of bytes in it. */
  readonly size: number;
  /** The least byte in it, -1 for the empty set. */
  readonly first: number;

  private constructor(words: Uint32Array) {
    this.#words = words;
    let size = 0;
    let first = -1;
    for (let i = 0; i < WORDS; i++) {
      let word = words[i] as number;
      if (word !== 0 && first < 0) first = 32 * i + 31 - Math.clz32(word & -word);
      for (; word !== 0; word = (word & (word - 1)) >>> 0) size++;
    }
    this.size = size;
    this.first = first;
  }

  /** The set of all bytes for which `isIn` holds. */
  static where(isIn: (byte: number) => boolean): ByteSet {
    return ByteSet.#of(0, 255, isIn);
  }

  /** The set of the bytes from `from` to `to`, both included. */
  static range(from: number, to = from): ByteSet {
    return ByteSet.#of(from, to, () => true);
  }

  static #of(from: number, to: number, isIn: (byte: number) => boolean): ByteSet {
    const words = new Uint32Array(WORDS);
    for (let byte = from; byte <= to; byte++) {
      if (isIn(byte)) words[byte >> 5] = (words[byte >> 5] as number) | (1 << (byte & 31));
    }
    return new ByteSet(words);
  }

  /** Equal sets have equal keys. */
  get key(): string {
    this.#key ??= this.#words.join();
    return this.#key;
  }

  has(byte: number): boolean {
    return (((this.#words[byte >> 5] as number) >>> (byte & 31)) & 1) === 1;
  }

  union(other: ByteSet): ByteSet {
    return ByteSet.where((byte) => this.has(byte) || other.has(byte));
  }

  complement(): ByteSet {
    return ByteSet.where((byte) => !this.has(byte));
  }

  /** The set with both cases of every letter in it. */
  folded(): ByteSet {
    return ByteSet.where((byte) => this.has(byte) || (isLetter(byte) && this.has(byte ^ CASE_BIT)));
  }

  /** The letter in lower case if the set is the two cases of one letter, else -1. */
  get foldedLetter(): number {
    const upper = this.first;
    if (this.size !== 2 || upper >= A_LOWER || !isLetter(upper)) return -1;
    return this.has(upper | CASE_BIT) ? upper | CASE_BIT : -1;
  }

  /** The bytes in it, ascending. */
  bytes(): number[] {
    const bytes: number[] = [];
    for (let byte = 0; byte < 256; byte++) if (this.has(byte)) bytes.push(byte);
    return bytes;
  }
}

const isDigit = (b: number) => b >= 0x30 && b <= 0x39;
const isLower = (b: number) => b >= 0x61 && b <= 0x7a;
const isUpper = (b: number) => b >= 0x41 && b <= 0x5a;
const isAlpha = (b: number) => isLower(b) || isUpper(b);
const isGraph = (b: number) => b > 0x20 && b < 0x7f;
const isSpace = (b: number) => b === 0x20 || (b >= 9 && b <= 13);

/** Whether \w holds the byte. */
export const isWordByte = (b: number): boolean => isAlpha(b) || isDigit(b) || b === 0x5f;

const NAMED: Readonly<Record<string, (byte: number) => boolean>> = {
  alnum: (b) => isAlpha(b) || isDigit(b),
  alpha: isAlpha,
  ascii: (b) => b < 0x80,
  blank: (b) => b === 0x20 || b === 9,
  cntrl: (b) => b < 0x20 || b === 0x7f,
  digit: isDigit,
  graph: isGraph,
  lower: isLower,
  print: (b) => isGraph(b) || b === 0x20,
  punct: (b) => isGraph(b) && !isAlpha(b) && !isDigit(b),
  space: isSpace,
  upper: isUpper,
  word: isWordByte,
  xdigit: (b) => isDigit(b) || (b >= 0x41 && b <= 0x46) || (b >= 0x61 && b <= 0x66),
};

/** The POSIX class of that name, as in `[[:alpha:]]`; undefined if there is none. */
export function namedClass(name: string): ByteSet | undefined {
  const isIn = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  return isIn === undefined ? undefined : ByteSet.where(isIn);
}

// \h has the no-break space of ISO 8859-1, \v the next line of its control bytes, as PCRE's do.
const SHORT: Readonly<Record<string, (byte: number) => boolean>> = {
  d: isDigit,
  h: (b) => b === 0x20 || b === 9 || b === 0xa0,
  s: isSpace,
  v: (b) => (b >= 10 && b <= 13) || b === 0x85,
  w: isWordByte,
};

/** The set of an escape: `d`, `w`, `s`, `h`, `v`, or what is not in it for capital letters. */
export function escapeClass(letter: string): ByteSet | undefined {
  const isIn = SHORT[letter.toLowerCase()];
  if (isIn === undefined) return undefined;
  return letter === letter.toLowerCase()
    ? ByteSet.where(isIn)
    : ByteSet.where((byte) => !isIn(byte));
}
