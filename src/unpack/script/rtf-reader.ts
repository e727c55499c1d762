// Reads RTF as Word does, for those destinations in which objects, links and data stand. Exploits
// break hex data with control words, groups, binary runs and odd digits; Word reads on over all of
// these, and other readers do not, so data is read in both ways. One pass, no recursion.

/** A destination that was read to its end. */
export type RtfItem =
  | {
      readonly kind: "data";
      /** Name of the destination: objdata, datastore, themedata, pict. */
      readonly word: string;
      /** As Word reads it. */
      readonly bytes: Buffer;
      /** Without what stands in nested groups and with all digits, if that is something else. */
      readonly other: Buffer | undefined;
      readonly isCut: boolean;
    }
  | { readonly kind: "text"; readonly word: string; readonly text: string };

const DATA_WORDS: readonly string[] = ["objdata", "datastore", "themedata", "pict"];
const TEXT_WORDS: readonly string[] = ["objclass", "objname", "template", "fldinst"];
const FLAG_WORDS: readonly string[] = [
  "object",
  "objemb",
  "objlink",
  "objautlink",
  "objocx",
  "objhtml",
  "objsub",
  "objicemb",
  "objupdate",
];
const SINKS_MAX = 64;
const TEXT_MAX = 8192;
const WORD_MAX = 40;
const DIGITS_MAX = 12;

/** A destination that is open: digits or characters go to the innermost one. */
interface Sink {
  readonly word: string;
  readonly depth: number;
  readonly isData: boolean;
  readonly asWord: HexBytes;
  readonly flat: HexBytes;
  /** Something stood in the data that readers take in different ways. */
  isOdd: boolean;
  text: string;
}

/** Walks over RTF; after the last item, `flags` holds the words about objects that stood in it. */
export class RtfReader {
  readonly #input: Buffer;
  readonly #sinks: Sink[] = [];
  readonly #done: Sink[] = [];
  readonly #flags = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(input: Buffer) {
    this.#input = input;
  }

  get flags(): ReadonlySet<string> {
    return this.#flags;
  }

  /** Every destination of interest in turn, inner ones before the outer. */
  *items(): Generator<RtfItem> {
    const input = this.#input;
    while (this.#at < input.length) {
      const byte = input[this.#at] as number;
      if (byte === 0x5c) this.#control();
      else if (byte === 0x7b) {
        this.#depth++;
        this.#at++;
      } else if (byte === 0x7d) {
        this.#depth = Math.max(0, this.#depth - 1);
        this.#at++;
        while ((this.#sinks.at(-1)?.depth ?? -1) > this.#depth) {
          this.#done.push(this.#sinks.pop() as Sink);
        }
      } else this.#run();
      for (let sink = this.#done.pop(); sink !== undefined; sink = this.#done.pop()) {
        yield itemOf(sink, false);
      }
    }
    for (let sink = this.#sinks.pop(); sink !== undefined; sink = this.#sinks.pop()) {
      yield itemOf(sink, true);
    }
  }

  // Characters up to the next that means something.
  #run(): void {
    const input = this.#input;
    const sink = this.#sinks.at(-1);
    const start = this.#at;
    let at = start;
    for (; at < input.length; at++) {
      const byte = input[at] as number;
      if (byte === 0x5c || byte === 0x7b || byte === 0x7d) break;
    }
    this.#at = at;
    if (sink === undefined) return;
    if (!sink.isData) {
      if (sink.text.length < TEXT_MAX) {
        const end = Math.min(at, start + TEXT_MAX);
        sink.text += input.toString("latin1", start, end).replace(/[\r\n]/g, "");
      }
      return;
    }
    sink.asWord.addHex(input, start, at);
    if (this.#depth <= sink.depth) sink.flat.addHex(input, start, at);
    else sink.isOdd = true;
  }

  // RTF 1.9.1, "RTF syntax": a symbol, or a word of letters with a number and one space behind it.
  #control(): void {
    const input = this.#input;
    let at = this.#at + 1;
    if (!isLetter(input[at])) {
      this.#symbol(input[at]);
      return;
    }
    const start = at;
    while (isLetter(input[at])) at++;
    const word = input.toString("latin1", start, Math.min(at, start + WORD_MAX)).toLowerCase();
    const numberAt = at;
    if (input[at] === 0x2d) at++;
    for (let n = 0; n < DIGITS_MAX && isDigit(input[at]); n++) at++;
    const number = Number.parseInt(input.toString("latin1", numberAt, at), 10);
    if (input[at] === 0x20) at++;
    this.#at = at;
    if (word === "bin") this.#binary(Math.max(number || 0, 0));
    else this.#word(word);
  }

  #word(word: string): void {
    if (FLAG_WORDS.includes(word)) this.#flags.add(word);
    const isData = DATA_WORDS.includes(word);
    if (!isData && !TEXT_WORDS.includes(word)) return;
    const top = this.#sinks.at(-1);
    if (top?.word === word && top.depth === this.#depth) return;
    if (this.#sinks.length >= SINKS_MAX) return;
    const bytes = { asWord: new HexBytes(), flat: new HexBytes() };
    this.#sinks.push({ word, depth: this.#depth, isData, ...bytes, isOdd: false, text: "" });
  }

  #symbol(byte: number | undefined): void {
    const sink = this.#sinks.at(-1);
    this.#at += 2;
    if (byte !== 0x27) {
      if (sink?.isData === false && (byte === 0x5c || byte === 0x7b || byte === 0x7d)) {
        sink.text += String.fromCharCode(byte);
      }
      return;
    }
    const digits = this.#input.toString("latin1", this.#at, this.#at + 2);
    this.#at += 2;
    if (sink === undefined) return;
    if (sink.isData) {
      // Word passes over the character, and with it over a digit that waits for its second half.
      sink.asWord.dropHalf();
      sink.isOdd = true;
    } else if (sink.text.length < TEXT_MAX) {
      const code = Number.parseInt(digits, 16);
      if (!Number.isNaN(code)) sink.text += String.fromCharCode(code);
    }
  }

  #binary(size: number): void {
    const run = this.#input.subarray(this.#at, this.#at + size);
    this.#at += run.length;
    const sink = this.#sinks.at(-1);
    if (sink?.isData !== true) return;
    sink.asWord.addRaw(run);
    sink.flat.addRaw(run);
  }
}

function itemOf(sink: Sink, isCut: boolean): RtfItem {
  const { word } = sink;
  if (!sink.isData) return { kind: "text", word, text: sink.text.trim() };
  const bytes = sink.asWord.bytes;
  const flat = sink.isOdd ? sink.flat.bytes : bytes;
  return { kind: "data", word, bytes, other: flat.equals(bytes) ? undefined : flat, isCut };
}

function isLetter(byte: number | undefined): boolean {
  const lower = (byte ?? 0) | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Bytes put together from hex digits that come in pieces; all else between them is skipped. */
class HexBytes {
  #bytes = Buffer.alloc(0);
  #size = 0;
  /** The first digit of a pair, -1 if none waits. */
  #half = -1;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  dropHalf(): void {
    this.#half = -1;
  }

  addHex(input: Buffer, start: number, end: number): void {
    this.#reserve((end - start + 2) >> 1);
    const bytes = this.#bytes;
    let size = this.#size;
    let half = this.#half;
    for (let at = start; at < end; at++) {
      const byte = input[at] as number;
      let value: number;
      if (byte >= 0x30 && byte <= 0x39) value = byte - 0x30;
      else {
        const lower = byte | 0x20;
        if (lower < 0x61 || lower > 0x66) continue;
        value = lower - 0x57;
      }
      if (half < 0) half = value;
      else {
        bytes[size++] = (half << 4) | value;
        half = -1;
      }
    }
    this.#size = size;
    this.#half = half;
  }

  addRaw(run: Buffer): void {
    this.#half = -1;
    this.#reserve(run.length);
    this.#bytes.set(run, this.#size);
    this.#size += run.length;
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, 64));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}
