// CD and DVD images: ISO 9660 (ECMA-119) with Joliet and Rock Ridge names, El Torito boot images, and
// UDF beside or instead of it. Programs choose one of the trees; here all are read, and the path
// table too, which may name folders that no tree shows.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { decodeName } from "../tar-header.ts";
import { type Extent, FileTable } from "./file-table.ts";
import { addUdfFiles } from "./udf.ts";

const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
const DESCRIPTORS_MAX = 64;
const FOLDERS_MAX = 20_000;
const RECORDS_MAX = 200_000;
const BOOT = 0;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const FLAG_FOLDER = 2;
const FLAG_GOES_ON = 0x80;
const ROOT_AT = 156;

/** Yields the files of a CD or DVD image. */
export function* explodeIso(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const table = new FileTable(input, giver);
  const isUdf = addUdfFiles(input, table, giver);
  let isIso = false;
  for (let number = 0; number < DESCRIPTORS_MAX; number++) {
    const at = (FIRST_DESCRIPTOR + number) * SECTOR;
    if (at + SECTOR > input.length || input.toString("latin1", at + 1, at + 6) !== "CD001") break;
    const type = input[at] as number;
    if (type === BOOT) addBootImage(input, at, table);
    if (type !== PRIMARY && type !== SUPPLEMENTARY) continue;
    isIso = true;
    new IsoVolume(input, at, giver).addTo(table);
  }
  if (!isIso && !isUdf) giver.note("unscanned", "no volume that could be read");
  yield* table.give();
  return giver.outcome;
}

interface IsoFolder {
  readonly path: string;
  readonly extent: Extent;
}

interface IsoRecord {
  readonly name: string;
  readonly extent: Extent;
  readonly flags: number;
  readonly end: number;
}

class IsoVolume {
  readonly #bytes: Buffer;
  readonly #giver: Giver;
  readonly #at: number;
  readonly #blockSize: number;
  readonly #isJoliet: boolean;
  #records = 0;

  constructor(bytes: Buffer, at: number, giver: Giver) {
    this.#bytes = bytes;
    this.#giver = giver;
    this.#at = at;
    const blockSize = bytes.readUInt16LE(at + 128);
    this.#blockSize = [512, 1024].includes(blockSize) ? blockSize : SECTOR;
    // Joliet §2: the escape sequences of UCS-2.
    this.#isJoliet = bytes[at] === SUPPLEMENTARY && /^%\/[@CE]/.test(this.#text(at + 88, 3));
  }

  addTo(table: FileTable): void {
    const root = this.#record(this.#at + ROOT_AT);
    const open: IsoFolder[] = root === undefined ? [] : [{ path: "", extent: root.extent }];
    const seen = new Set(open.map(({ extent }) => extent.at));
    const visit = () => {
      for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
        for (const inner of this.#readFolder(folder, table)) {
          if (seen.has(inner.extent.at)) continue;
          if (seen.size >= FOLDERS_MAX) return this.#giver.stop("too many folders");
          seen.add(inner.extent.at);
          open.push(inner);
        }
      }
    };
    visit();
    for (const hidden of this.#pathTable()) {
      if (seen.has(hidden.extent.at)) continue;
      seen.add(hidden.extent.at);
      open.push(hidden);
      visit();
    }
  }

  // Adds a folder's files to the table; returns the folders in it. ECMA-119 §6.8, §9.1.
  #readFolder({ path, extent }: IsoFolder, table: FileTable): IsoFolder[] {
    const folders: IsoFolder[] = [];
    const end = Math.min(extent.at + extent.size, this.#bytes.length);
    if (extent.at + extent.size > this.#bytes.length) {
      this.#giver.note("damaged", "a folder is cut short", path);
    }
    let pieces: Extent[] = [];
    for (let at = extent.at; at < end && this.#giver.goesOn(); ) {
      if (++this.#records > RECORDS_MAX) {
        this.#giver.stop("too many files");
        break;
      }
      const record = this.#record(at);
      if (record === undefined) {
        // Records do not cross sectors: what is left of one is empty.
        if (this.#bytes[at] !== 0) this.#giver.note("damaged", "a folder is broken", path);
        at = extent.at + (Math.floor((at - extent.at) / SECTOR) + 1) * SECTOR;
        continue;
      }
      at = record.end;
      if (record.name === "\0" || record.name === "\x01") continue;
      const name = path === "" ? record.name : `${path}/${record.name}`;
      if ((record.flags & FLAG_FOLDER) !== 0) {
        folders.push({ path: name, extent: record.extent });
        continue;
      }
      // §6.5.1: a file of several extents has as many records.
      pieces.push(record.extent);
      if ((record.flags & FLAG_GOES_ON) !== 0) continue;
      table.add(name, pieces);
      pieces = [];
    }
    if (pieces.length > 0) table.add(`${path}/unfinished`, pieces);
    return folders;
  }

  #record(at: number): IsoRecord | undefined {
    const length = this.#bytes[at] ?? 0;
    const nameLength = this.#bytes[at + 32] ?? 0;
    if (length < 33 + nameLength || at + length > this.#bytes.length) return;
    const nameStart = at + 33;
    const raw = this.#bytes.subarray(nameStart, nameStart + nameLength);
    const extended = this.#bytes[at + 1] as number;
    const systemUse = nameStart + nameLength + (1 - (nameLength & 1));
    return {
      name: this.#isJoliet ? joliet(raw) : (this.#rockName(systemUse, at + length) ?? plain(raw)),
      extent: {
        at: (this.#bytes.readUInt32LE(at + 2) + extended) * this.#blockSize,
        size: this.#bytes.readUInt32LE(at + 10),
      },
      flags: this.#bytes[at + 25] as number,
      end: at + length,
    };
  }

  // SUSP §4 and RRIP §4.1.4: NM entries hold the name, in pieces that a CE entry may put elsewhere.
  #rockName(start: number, end: number): string | undefined {
    let name: Buffer | undefined;
    let area: { at: number; end: number } | undefined = { at: start, end };
    for (let hops = 0; area !== undefined && hops < 8; hops++) {
      let next: { at: number; end: number } | undefined;
      for (let at = area.at; at + 4 <= area.end; ) {
        const length = this.#bytes[at + 2] as number;
        if (length < 4 || at + length > area.end) break;
        const sign = this.#text(at, 2);
        if (sign === "NM" && length > 5) {
          const piece = this.#bytes.subarray(at + 5, at + length);
          name = name === undefined ? piece : Buffer.concat([name, piece]);
        } else if (sign === "CE" && length >= 28) {
          const from = this.#bytes.readUInt32LE(at + 4) * this.#blockSize;
          const place = from + this.#bytes.readUInt32LE(at + 12);
          const size = Math.min(this.#bytes.readUInt32LE(at + 20), SECTOR);
          if (place + size <= this.#bytes.length) next = { at: place, end: place + size };
        }
        at += length;
      }
      area = next;
    }
    return name === undefined ? undefined : decodeName(name);
  }

  // §9.4: a list of all folders; how long each is, its own first record says.
  *#pathTable(): Generator<IsoFolder> {
    const size = this.#bytes.readUInt32LE(this.#at + 132);
    const start = this.#bytes.readUInt32LE(this.#at + 140) * this.#blockSize;
    const end = Math.min(start + size, this.#bytes.length);
    for (let at = start, count = 0; at + 8 < end && count < FOLDERS_MAX; count++) {
      const length = this.#bytes[at] as number;
      if (length === 0) return;
      const folderAt = this.#bytes.readUInt32LE(at + 2) * this.#blockSize;
      const raw = this.#bytes.subarray(at + 8, at + 8 + length);
      const path = this.#isJoliet ? joliet(raw) : plain(raw);
      const self = this.#record(folderAt);
      if (self !== undefined && self.extent.at === folderAt) yield { path, extent: self.extent };
      at += 8 + length + (length & 1);
    }
  }

  #text(at: number, length: number): string {
    return this.#bytes.toString("latin1", at, at + length);
  }
}

function joliet(raw: Buffer): string {
  if (raw.length < 2) return raw.toString("latin1");
  const name = Buffer.from(raw.subarray(0, raw.length & ~1))
    .swap16()
    .toString("utf16le");
  return name.replace(/;\d+$/, "");
}

function plain(raw: Buffer): string {
  return raw.toString("latin1").replace(/\.?;\d+$/, "");
}

// "El Torito" 1.0 §2: the catalogue's first entry after the validating one.
function addBootImage(input: Buffer, descriptor: number, table: FileTable): void {
  if (input.toString("latin1", descriptor + 7, descriptor + 16) !== "EL TORITO") return;
  const at = input.readUInt32LE(descriptor + 71) * SECTOR + 32;
  if (at + 32 > input.length || input[at] !== 0x88) return;
  const floppies = [0, 1_228_800, 1_474_560, 2_949_120];
  const size = floppies[(input[at + 1] as number) & 15] || input.readUInt16LE(at + 6) * 512;
  const start = input.readUInt32LE(at + 8) * SECTOR;
  // Loaders state four sectors whatever the size: a name in the tree is the better one.
  if (start < input.length)
    table.add("boot image", [{ at: start, size: Math.min(size, input.length - start) }]);
}
