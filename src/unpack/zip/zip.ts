// ZIP and what is built on it (Office Open XML, OpenDocument, JAR). Entries are taken from the
// central directory AND from local headers that it does not name, since programs differ in which
// they follow; where both speak of one entry and disagree, both are tried. APPNOTE.TXT 6.3.10.

import { crc32 } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract, StoredEntry } from "../../message.ts";
import { joinNames } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";
import {
  type EntryHeader,
  findLocal,
  localEntry,
  readDirectory,
  withHeaders,
  type ZipDirectory,
  type ZipEntry,
} from "./directory.ts";
import { AES, isEncrypted, trialFor } from "./encryption.ts";
import { STORED, unpackMethod } from "./method.ts";

/** One way to read an entry. */
interface Attempt {
  readonly bytes: Uint8Array;
  /** Where its data ends in the archive. */
  readonly end: number;
  /** "" if all is well. */
  readonly problem: string;
}

const DESCRIPTOR_FLAG = 8;
const DESCRIPTOR = "PK\x07\x08";
/** Entries that proved too large before we stop trying: each costs as much as a large object. */
const REFUSALS_MAX = 8;
const CLOSED_MAX = 3;
const HIDDEN_MAX = 10_000;
/** Said of bombs, whose entries overlap, and of files that one reader sees by another name. */
const SHARED = "entries share their data";

/** Yields the files of a ZIP archive; what it returns is the archive's own status. */
export function* explodeZip(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return yield* new ZipWalk(asBuffer(bytes), budget).run();
}

class ZipWalk {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  readonly #tally = new Tally();
  #refusals = 0;
  /** Entries in a row that no password opened. */
  #closed = 0;
  #isStopped = false;

  constructor(bytes: Buffer, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  *run(): Generator<Extract, Explosion> {
    const directory = readDirectory(this.#bytes);
    const taken: { start: number; end: number; name?: string }[] = [];
    // §8.5.4: the first piece of an archive that was split begins with this mark.
    const isFirst = this.#bytes.toString("latin1", 0, 4) === DESCRIPTOR;
    const isLast = directory?.isSplit === true && directory.lost.length > 0;
    if (isLast || (directory === undefined && isFirst)) {
      this.#tally.add("unscanned", "one piece of an archive that was split");
    }
    if (directory === undefined) this.#tally.add("damaged", "no central directory");
    else {
      taken.push({ start: directory.start, end: directory.end });
      if (directory.isCut) this.#tally.add("damaged", "the central directory is not whole");
      for (const name of directory.lost) this.#tally.add("damaged", "an entry has no data", name);
      for (const name of directory.shared) this.#tally.add("damaged", SHARED, name);
      for (const entry of directory.entries) {
        if (this.#isStopped) break;
        const name = entry.headers[0]?.name ?? "";
        taken.push({ start: entry.start, end: yield* this.#entry(entry, false), name });
      }
    }
    // What lies between the entries and behind the directory may hold entries too.
    taken.sort((a, b) => a.start - b.start);
    taken.push({ start: this.#bytes.length, end: this.#bytes.length });
    let free = 0;
    for (const range of taken) {
      if (range.start < free && range.name !== undefined) {
        this.#tally.add("damaged", SHARED, range.name);
      }
      if (range.start > free) yield* this.#hidden(free, range.start, directory);
      free = Math.max(free, range.end);
    }
    return this.#tally.outcome;
  }

  /** Entries that no directory names: stale, concatenated, or put there to be overlooked. */
  *#hidden(from: number, to: number, directory: ZipDirectory | undefined): Generator<Extract> {
    let count = 0;
    for (let at = findLocal(this.#bytes, from, to); at >= 0; ) {
      if (this.#isStopped) return;
      if (++count > HIDDEN_MAX) return this.#stop(`more than ${HIDDEN_MAX} entries`);
      const entry = localEntry(this.#bytes, at);
      const isEntry = entry !== undefined && isPlausible(entry);
      const end = isEntry
        ? yield* this.#entry(withHeaders(entry, directory?.others.get(at)), directory !== undefined)
        : at + 4;
      at = findLocal(this.#bytes, Math.max(end, at + 4), to);
    }
  }

  /** Yields an entry's content; returns where its data ends. */
  *#entry(entry: ZipEntry, isHidden: boolean): Generator<Extract, number> {
    const { headers, dataStart } = entry;
    const packed = Math.max(...headers.map((header) => header.packedSize));
    const names = joinNames(headers.map((header) => header.name));
    if (this.#budget.isExpired) this.#stop("time limit reached");
    if (this.#isStopped || (packed === 0 && isDirectory(headers))) return dataStart;
    const open = headers.filter((header) => !isEncrypted(header));
    const stored = { packedSize: packed, isEncrypted: open.length < headers.length };
    const attempts: Attempt[] = [];
    for (const method of new Set(open.map((header) => header.method))) {
      const attempt = this.#attempt(entry, method, names);
      if (attempt !== undefined) attempts.push(attempt);
    }
    // Where the headers disagree, data that fits its checksum tells which one was right.
    let isRead = attempts.some((attempt) => attempt.problem === "");
    if (open.length < headers.length && !isRead) {
      const opened = this.#decrypt(entry, names);
      if (opened === undefined) {
        const size = Math.max(...headers.map((header) => header.size));
        this.#tally.add("protected", "encrypted", names, { size, packedSize: packed });
      } else attempts.push(opened);
      isRead = opened === undefined || opened.problem === "";
    }
    if (!isRead && !isHidden && attempts[0] !== undefined) {
      this.#tally.add("damaged", attempts[0].problem, names);
    }
    for (const { bytes, problem } of attempts) {
      if (bytes.length > 0 || problem === "") yield* this.#give(names, bytes, stored);
    }
    const end = Math.max(0, ...attempts.map((attempt) => attempt.end));
    return end > 0 ? end : Math.min(this.#bytes.length, dataStart + packed);
  }

  /** An entry that a candidate password opens. What is in it may still be refused. */
  #decrypt({ headers, dataStart }: ZipEntry, name: string): Attempt | undefined {
    const size = Math.max(...headers.map((header) => header.packedSize));
    const data = this.#bytes.subarray(dataStart, dataStart + size);
    // An archive has one password as a rule: once a few entries stayed closed, the others will.
    if (this.#closed >= CLOSED_MAX) return;
    this.#closed++;
    for (const header of headers.filter(isEncrypted)) {
      const attempt = trialFor(header, data);
      if (attempt === undefined) continue;
      const found = this.#budget.passwords.find((password) => {
        const clear = attempt(password);
        if (clear === undefined) return undefined;
        const { bytes, method, isProven } = clear;
        const entry = { headers, dataStart: 0, start: 0 };
        const read = this.#unpacked(entry, method, { bytes, isProven });
        if (read === "too-large" || read === undefined || read.problem === "") return read;
        return isProven ? read : undefined;
      });
      if (found === undefined) continue;
      this.#closed = 0;
      this.#tally.remarkPassword(found.password);
      const end = dataStart + size;
      if (found.opened !== "too-large") return { ...found.opened, end };
      this.#refuse(name);
      return { bytes: new Uint8Array(0), end, problem: "" };
    }
    return;
  }

  #attempt(entry: ZipEntry, method: number, name: string): Attempt | undefined {
    if (method === STORED) return this.#stored(entry);
    const found = this.#unpacked(entry, method);
    if (found !== "too-large") return found;
    this.#refuse(name);
    return;
  }

  #stored({ headers, dataStart }: ZipEntry): Attempt {
    const sizes = headers.map((header) => header.packedSize).sort((a, b) => b - a);
    let size = sizes.find((one) => dataStart + one <= this.#bytes.length) ?? sizes[0] ?? 0;
    if (size === 0 && headers.every(hasDescriptor)) size = this.#describedSize(dataStart);
    const bytes = this.#bytes.subarray(dataStart, dataStart + size);
    if (bytes.length < size) return { bytes, end: this.#bytes.length, problem: "cut short" };
    return this.#checked(headers, bytes, dataStart + size);
  }

  // Stored data of unknown size ends where a descriptor stands that tells its size. §4.3.9
  #describedSize(start: number): number {
    let at = this.#bytes.indexOf(DESCRIPTOR, start, "latin1");
    for (let tries = 0; at >= 0 && at + 16 <= this.#bytes.length && tries < 64; tries++) {
      if (this.#bytes.readUInt32LE(at + 8) === at - start) return at - start;
      at = this.#bytes.indexOf(DESCRIPTOR, at + 1, "latin1");
    }
    return 0;
  }

  /** Unpacks an entry's data, or `clear` if its encryption was undone. */
  #unpacked(
    { headers, dataStart }: ZipEntry,
    method: number,
    clear?: { readonly bytes: Buffer; readonly isProven: boolean },
  ): Attempt | "too-large" | undefined {
    if (method === STORED) {
      if (clear === undefined) return;
      const end = clear.bytes.length;
      const problem = clear.isProven ? "" : sumProblem(headers, clear.bytes);
      return { bytes: clear.bytes, end, problem };
    }
    const found = unpackMethod(
      method,
      {
        bytes: clear?.bytes ?? this.#bytes.subarray(dataStart),
        packedSize: clear?.bytes.length ?? Math.max(...headers.map((one) => one.packedSize)),
        size: Math.max(...headers.map((header) => header.size)),
        crc: headers.find((header) => header.crc !== 0)?.crc ?? 0,
        flags: headers[0]?.flags ?? 0,
      },
      { sizeMax: this.#budget.bytesLeft, goesOn: () => !this.#budget.isExpired },
    );
    if (found.end === "unsupported") {
      const names = joinNames(headers.map((header) => header.name));
      this.#tally.add("unscanned", `compression method ${found.label} is not supported`, names);
      return;
    }
    if (found.end === "too-large") return "too-large";
    const { bytes } = found;
    const end = dataStart + found.consumed;
    if (found.end === "truncated") return { bytes, end: dataStart, problem: "cut short" };
    if (found.end === "corrupt") return { bytes, end: dataStart, problem: "does not inflate" };
    if (clear !== undefined) {
      return { bytes, end, problem: clear.isProven ? "" : sumProblem(headers, bytes) };
    }
    return this.#checked(headers, bytes, end);
  }

  #checked(headers: readonly EntryHeader[], bytes: Uint8Array, end: number): Attempt {
    // Central and local checksum may differ in archives that were edited: either will do.
    const known = headers.filter((header) => !hasDescriptor(header) || header.crc !== 0);
    const sums = known.map((header) => header.crc);
    if (sums.length === 0) {
      // §4.3.9: the checksum follows the data, with or without a signature of its own.
      const hasMark = this.#bytes.toString("latin1", end, end + 4) === DESCRIPTOR;
      const at = hasMark ? end + 4 : end;
      if (at + 4 > this.#bytes.length) return { bytes, end, problem: "cut short" };
      sums.push(this.#bytes.readUInt32LE(at));
    }
    const problem = sums.includes(crc32(bytes)) ? "" : "checksum does not match";
    return { bytes, end, problem };
  }

  *#give(name: string, bytes: Uint8Array, stored: StoredEntry): Generator<Extract> {
    if (this.#isStopped) return;
    if (this.#budget.takeObject(bytes.length)) yield { name, declaredType: "", bytes, stored };
    else if (bytes.length <= this.#budget.bytesLeft) this.#stop("too many objects");
    else this.#refuse(name);
  }

  #refuse(name: string): void {
    this.#tally.add("unscanned", "larger than what may still be extracted", name);
    if (++this.#refusals >= REFUSALS_MAX) this.#isStopped = true;
  }

  #stop(reason: string): void {
    this.#isStopped = true;
    this.#tally.add("unscanned", reason);
  }
}

// Central and local checksum may differ in archives that were edited: either will do.
function sumProblem(headers: readonly EntryHeader[], bytes: Uint8Array): string {
  const sum = crc32(bytes);
  return headers.some((header) => header.crc === sum) ? "" : "checksum does not match";
}

function hasDescriptor(header: EntryHeader): boolean {
  return (header.flags & DESCRIPTOR_FLAG) !== 0;
}

function isDirectory(headers: readonly EntryHeader[]): boolean {
  return headers.every((header) => header.size === 0 && /[/\\]$/.test(header.name));
}

// A local header that nothing points at may be chance: these bytes in the middle of other data.
function isPlausible({ headers }: ZipEntry): boolean {
  const [header] = headers;
  if (header === undefined || header.method > AES) return false;
  return header.name.length > 0 && header.name.length < 4096 && !header.name.includes("\0");
}
