// Writes bzip2 files: the transform by plain sorting, and codes of two lengths that fit any block.

const BLOCK_BYTES = 600_000;
const BLOCK_MAGIC = 0x314159265359n;
const END_MAGIC = 0x177245385090n;
const POLYNOMIAL = 0x04c1_1db7;
const RUN_MAX = 255;
const SYMBOLS_PER_SELECTOR = 50;
const SELECTORS_MAX = 18_002;

class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #count = 0;

  put(value: number, width: number): void {
    for (let place = width - 1; place >= 0; place--) {
      this.#held = (this.#held << 1) | (Math.floor(value / 2 ** place) & 1);
      if (++this.#count < 8) continue;
      this.#bytes.push(this.#held);
      this.#held = 0;
      this.#count = 0;
    }
  }

  end(): Buffer {
    while (this.#count > 0) this.put(0, 1);
    return Buffer.from(this.#bytes);
  }
}

/** A bzip2 file of as many blocks as are needed. */
export function bzip2(content: Uint8Array): Buffer {
  const bits = new BitWriter();
  for (const byte of Buffer.from("BZh9")) bits.put(byte, 8);
  let combined = 0;
  for (let at = 0; at < content.length; at += BLOCK_BYTES) {
    const piece = content.subarray(at, at + BLOCK_BYTES);
    const sum = blockSum(piece);
    combined = (((combined << 1) | (combined >>> 31)) ^ sum) >>> 0;
    bits.put(Number(BLOCK_MAGIC), 48);
    bits.put(sum, 32);
    putBlock(bits, withRuns(piece));
  }
  bits.put(Number(END_MAGIC), 48);
  bits.put(combined, 32);
  return bits.end();
}

function blockSum(bytes: Uint8Array): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? POLYNOMIAL : 0);
  }
  return ~sum >>> 0;
}

// Four alike are followed by how many more there are.
function withRuns(bytes: Uint8Array): Buffer {
  const made: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    let count = 1;
    while (count < RUN_MAX && bytes[at + count] === byte) count++;
    for (let i = 0; i < Math.min(4, count); i++) made.push(byte);
    if (count >= 4) made.push(count - 4);
    at += count;
  }
  return Buffer.from(made);
}

// Burrows and Wheeler: the last bytes of all rotations in order, and where the first one came to be.
function transform(bytes: Buffer): { readonly last: Buffer; readonly origin: number } {
  const size = bytes.length;
  const twice = Buffer.concat([bytes, bytes]);
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  order.sort((a, b) => twice.compare(twice, b, b + size, a, a + size) || a - b);
  return {
    last: Buffer.from(Array.from(order, (start) => twice[start + size - 1] as number)),
    origin: order.indexOf(0),
  };
}

function putBlock(bits: BitWriter, bytes: Buffer): void {
  const { last, origin } = transform(bytes);
  bits.put(0, 1);
  bits.put(origin, 24);
  const used = [...new Set(last)].toSorted((a, b) => a - b);
  putUsed(bits, used);
  const symbols = moveToFront(last, used);
  const count = used.length + 2;
  const selectors = Math.ceil(symbols.length / SYMBOLS_PER_SELECTOR);
  if (selectors > SELECTORS_MAX) throw new RangeError("a block of bzip2 is too long");
  // At least two tables are asked for; the first one serves.
  bits.put(2, 3);
  bits.put(selectors, 15);
  for (let i = 0; i < selectors; i++) bits.put(0, 1);
  const codes = flatCodes(count);
  for (let table = 0; table < 2; table++) putLengths(bits, codes);
  for (const symbol of symbols) {
    const { value, width } = codes[symbol] as Code;
    bits.put(value, width);
  }
}

function putUsed(bits: BitWriter, used: readonly number[]): void {
  const rows = Array.from({ length: 16 }, (_, row) => used.filter((byte) => byte >> 4 === row));
  for (const row of rows) bits.put(row.length > 0 ? 1 : 0, 1);
  for (const row of rows.filter(({ length }) => length > 0)) {
    for (let low = 0; low < 16; low++) bits.put(row.some((byte) => (byte & 15) === low) ? 1 : 0, 1);
  }
}

// Runs of the front are counted in two digits, 1 and 2; other places are one more than they are.
function moveToFront(bytes: Buffer, used: readonly number[]): number[] {
  const front = [...used];
  const symbols: number[] = [];
  let run = 0;
  const putRun = () => {
    for (; run > 0; run = (run - 1) >> 1) symbols.push((run - 1) & 1);
  };
  for (const byte of bytes) {
    const place = front.indexOf(byte);
    if (place === 0) {
      run++;
      continue;
    }
    putRun();
    symbols.push(place + 1);
    front.splice(place, 1);
    front.unshift(byte);
  }
  putRun();
  return [...symbols, used.length + 1];
}

interface Code {
  readonly value: number;
  readonly width: number;
}

// All codes of one width, but for as many shorter ones as fill the tree.
function flatCodes(count: number): readonly Code[] {
  const width = Math.ceil(Math.log2(count));
  const short = 2 ** width - count;
  return Array.from({ length: count }, (_, i) =>
    i < short ? { value: i, width: width - 1 } : { value: i + short, width },
  );
}

function putLengths(bits: BitWriter, codes: readonly Code[]): void {
  let width = codes[0]?.width ?? 1;
  bits.put(width, 5);
  for (const code of codes) {
    // "One more" is 10, an end is 0.
    for (; width < code.width; width++) bits.put(2, 2);
    bits.put(0, 1);
  }
}
