// tar archives of all dialects. Programs differ in what they do with damaged or contradictory
// headers; here everything that has a right checksum is read, wherever it stands.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { joinNames } from "../../text/object-name.ts";
import { Giver } from "./giver.ts";
import {
  BLOCK,
  decodeName,
  gnuSparseMap,
  isZeroBlock,
  leadingSparseMap,
  nextBlock,
  readTarHeader,
  type SparseMap,
  type TarHeader,
} from "./tar-header.ts";

const PAX_SIZE_MAX = 1 << 20;
const RECORDS_MAX = 10_000;
/** Links, devices and folders: a size, if they have one, need not mean that data follows. */
const DATALESS = /[1-6]/;
/** Eight gigabytes: what an octal size field cannot hold stands in a pax header alone. */
const OCTAL_SIZE_MAX = 8 ** 11;

/** Yields the files of a tar archive. */
export function* explodeTar(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  yield* new TarWalk(asBuffer(bytes), giver).run();
  return giver.outcome;
}

class TarWalk {
  readonly #bytes: Buffer;
  readonly #giver: Giver;
  /** What extended headers said of the entry that comes next. */
  #records = new Map<string, string>();
  #longName: string | undefined;

  constructor(bytes: Buffer, giver: Giver) {
    this.#bytes = bytes;
    this.#giver = giver;
  }

  *run(): Generator<Extract> {
    let at = 0;
    let isEnded = false;
    while (at < this.#bytes.length && this.#giver.enter()) {
      const header = readTarHeader(this.#bytes, at);
      if (header !== undefined) {
        isEnded = false;
        at = yield* this.#entry(header, at);
      } else if (isZeroBlock(this.#bytes, at)) {
        isEnded = true;
        at = this.#skipZeros(at);
      } else if (isEnded && this.#findHeader(at) < 0) {
        return yield* this.#giver.giveRest(this.#bytes, at);
      } else {
        this.#giver.note("damaged", "a header is broken");
        const next = this.#findHeader(at);
        if (next < 0) return yield* this.#giver.giveRest(this.#bytes, at);
        at = next;
      }
    }
  }

  #skipZeros(start: number): number {
    let at = start;
    while (at < this.#bytes.length && isZeroBlock(this.#bytes, at)) at += BLOCK;
    return at;
  }

  #findHeader(start: number): number {
    for (let at = start; at + BLOCK <= this.#bytes.length && this.#giver.goesOn(); at += BLOCK) {
      if (readTarHeader(this.#bytes, at) !== undefined) return at;
    }
    return -1;
  }

  /** Yields an entry's content; returns where the next header stands. */
  *#entry(header: TarHeader, at: number): Generator<Extract, number> {
    const dataStart = at + BLOCK;
    if (header.size < 0) {
      this.#giver.note("damaged", "a size cannot be", header.name);
      return dataStart;
    }
    if (/[xXgLKN]/.test(header.type)) return this.#extension(header, dataStart);
    const size = this.#size(header);
    const name = this.#name(header);
    const records = this.#records;
    this.#records = new Map();
    this.#longName = undefined;
    if (DATALESS.test(header.type) && !this.#hasData(dataStart, size)) return dataStart;
    // A folder's name ends in a slash in v7, which has no type for it.
    if (size === 0 && (header.type === "V" || header.name.endsWith("/"))) return dataStart;
    const map = this.#sparseMap(header, at, records);
    const start = map?.dataStart ?? dataStart;
    // GNU counts the map of format 1.0 into the size, and the extra blocks of the old one not.
    const end = header.type === "S" ? start + size : dataStart + size;
    const data = this.#bytes.subarray(start, Math.max(start, Math.min(end, this.#bytes.length)));
    if (end > this.#bytes.length) this.#giver.note("damaged", "cut short", name);
    yield* map === undefined ? this.#giver.give(name, data) : this.#giveSparse(name, data, map);
    return nextBlock(end);
  }

  // Long names and pax records are about the entry behind them.
  #extension(header: TarHeader, dataStart: number): number {
    const end = dataStart + header.size;
    const data = this.#bytes.subarray(dataStart, Math.min(end, dataStart + PAX_SIZE_MAX));
    if (end > this.#bytes.length) this.#giver.note("damaged", "cut short", header.name);
    else if (header.type === "x" || header.type === "X") this.#readRecords(data);
    else if (header.type === "L") {
      const zero = data.indexOf(0);
      this.#longName = decodeName(data.subarray(0, zero < 0 ? data.length : zero));
    }
    return nextBlock(end);
  }

  // POSIX.1 "pax Extended Header": `LENGTH KEY=VALUE`, each with a line feed.
  #readRecords(data: Buffer): void {
    for (let at = 0, count = 0; at < data.length && count < RECORDS_MAX; count++) {
      const space = data.indexOf(0x20, at);
      const length = space < 0 || space - at > 10 ? 0 : Number(data.toString("latin1", at, space));
      const equals = data.indexOf(0x3d, space);
      if (!(length > space - at + 2) || equals < 0 || equals > at + length) return;
      const key = data.toString("latin1", space + 1, equals);
      const value = decodeName(data.subarray(equals + 1, at + length - 1));
      // GNU sparse format 0.0 repeats its two keys, one pair for each stretch.
      const isRepeated = key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes";
      const before = this.#records.get("GNU.sparse.map");
      if (!isRepeated) this.#records.set(key, value);
      else this.#records.set("GNU.sparse.map", before === undefined ? value : `${before},${value}`);
      at += length;
    }
  }

  #size(header: TarHeader): number {
    const record = this.#records.get("size");
    if (record === undefined) return header.size;
    if (!/^\d{1,15}$/.test(record)) {
      this.#giver.note("damaged", "a size cannot be", header.name);
      return header.size;
    }
    const size = Number(record);
    if (size !== header.size && size < OCTAL_SIZE_MAX && header.size > 0) {
      this.#giver.note("damaged", "two sizes that disagree", header.name);
    }
    return size;
  }

  // A reader that knows no extensions sees the name in the header, which should be a short form.
  #name(header: TarHeader): string {
    const { name } = header;
    const records = this.#records;
    const long = records.get("GNU.sparse.name") ?? records.get("path") ?? this.#longName ?? "";
    if (long === "") return name;
    const isShortened = name.length >= 99 || extension(name) === extension(long);
    return isShortened || records.has("GNU.sparse.name") ? long : joinNames([long, name]);
  }

  // Whether an entry that needs no data is followed by `size` bytes of it: pax allows it for links.
  #hasData(at: number, size: number): boolean {
    if (size === 0 || at >= this.#bytes.length || isZeroBlock(this.#bytes, at)) return false;
    return readTarHeader(this.#bytes, at) === undefined;
  }

  #sparseMap(
    header: TarHeader,
    at: number,
    records: ReadonlyMap<string, string>,
  ): SparseMap | undefined {
    if (header.type === "S" && header.isGnu) return gnuSparseMap(this.#bytes, at);
    const told = records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size");
    if (told === undefined || !/^\d+$/.test(told)) return;
    // A size beyond what is counted exactly is refused as any that is too large.
    const realSize = Number(told);
    const dataStart = at + BLOCK;
    if (records.get("GNU.sparse.major") === "1") {
      return leadingSparseMap(this.#bytes, dataStart, realSize);
    }
    const numbers = (records.get("GNU.sparse.map") ?? "").split(",").map(Number);
    const stretches: { offset: number; size: number }[] = [];
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      stretches.push({ offset: numbers[i] ?? 0, size: numbers[i + 1] ?? 0 });
    }
    return { stretches, realSize, dataStart };
  }

  // A file of holes may be any size: it is made whole only where that is allowed.
  *#giveSparse(name: string, data: Buffer, map: SparseMap): Generator<Extract> {
    if (map.realSize > this.#giver.room) {
      this.#giver.refuse(name);
      return yield* this.#giver.give(name, data);
    }
    const whole = Buffer.alloc(Math.max(0, map.realSize));
    let at = 0;
    let isGood = true;
    for (const { offset, size } of map.stretches) {
      isGood &&= offset >= 0 && size >= 0 && offset + size <= whole.length;
      if (isGood) data.subarray(at, at + size).copy(whole, offset);
      at += size;
    }
    if (isGood && at <= data.length) return yield* this.#giver.give(name, whole);
    this.#giver.note("damaged", "the map of a sparse file is broken", name);
    yield* this.#giver.give(name, data);
  }
}

function extension(name: string): string {
  return /\.[^./]{1,8}$/.exec(name)?.[0].toLowerCase() ?? "";
}
