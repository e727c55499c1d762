// Writes NTFS volumes for tests: files in their records or in clusters (the later pieces first), packed
// by the file system or by Windows, with streams beside them.

import { bytesOf } from "../build-archives.ts";
import type { ImageFile } from "../build-images.ts";
import { packXpress } from "../wim/build-wim.ts";

const CLUSTER = 512;
const RECORD = 1024;
const OWN_RECORDS = 16;
const RESIDENT_MAX = 300;
const UNIT = 16;

export interface NtfsOptions {
  /** How contents are packed that do not fit into their records. */
  readonly packing?: "none" | "lznt1" | "system";
  readonly isEncrypted?: boolean;
  /** A stream of the first file. */
  readonly stream?: ImageFile;
}

/** LZNT1 with matches of distance 1 alone. */
export function packLznt1(content: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let start = 0; start < content.length; start += 4096) {
    const chunk = content.subarray(start, start + 4096);
    const groups: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      let flags = 0;
      const bytes: number[] = [];
      for (let bit = 0; bit < 8 && at < chunk.length; bit++) {
        let lengthBits = 12;
        while (lengthBits > 4 && at > 1 << (16 - lengthBits)) lengthBits--;
        let run = 0;
        const max = Math.min(chunk.length - at, (1 << lengthBits) + 2);
        while (at > 0 && run < max && chunk[at + run] === chunk[at - 1]) run++;
        if (run >= 3) {
          flags |= 1 << bit;
          bytes.push((run - 3) & 255, (run - 3) >> 8);
          at += run;
        } else bytes.push(chunk[at++] as number);
      }
      groups.push(Buffer.from([flags, ...bytes]));
    }
    const packed = Buffer.concat(groups);
    const isSmaller = packed.length < chunk.length;
    const body = isSmaller ? packed : chunk;
    const head = Buffer.alloc(2);
    head.writeUInt16LE((body.length - 1) | 0x3000 | (isSmaller ? 0x8000 : 0));
    chunks.push(head, body);
  }
  return Buffer.concat(chunks);
}

function attribute(type: number, name: string, value: Buffer): Buffer {
  const label = Buffer.from(name, "utf16le");
  const head = Buffer.alloc(24);
  const bytes = Buffer.concat([head, label, value]);
  const whole = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
  whole.writeUInt32LE(type, 0);
  whole.writeUInt32LE(whole.length, 4);
  whole[9] = name.length;
  whole.writeUInt16LE(24, 10);
  whole.writeUInt32LE(value.length, 16);
  whole.writeUInt16LE(24 + label.length, 20);
  return whole;
}

interface Run {
  /** undefined: a hole. */
  readonly cluster: number | undefined;
  readonly count: number;
}

function runsOf(runs: readonly Run[]): Buffer {
  const pieces: Buffer[] = [];
  let last = 0;
  for (const { cluster, count } of runs) {
    const bytes = Buffer.alloc(1 + 4 + (cluster === undefined ? 0 : 4));
    bytes[0] = cluster === undefined ? 0x04 : 0x44;
    bytes.writeUInt32LE(count, 1);
    if (cluster !== undefined) {
      bytes.writeInt32LE(cluster - last, 5);
      last = cluster;
    }
    pieces.push(bytes);
  }
  return Buffer.concat([...pieces, Buffer.alloc(1)]);
}

function outside(name: string, size: number, runs: readonly Run[], flags: number): Buffer {
  const label = Buffer.from(name, "utf16le");
  const list = runsOf(runs);
  const length = 64 + label.length + list.length;
  const bytes = Buffer.alloc(Math.ceil(length / 8) * 8);
  bytes.writeUInt32LE(0x80, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes[8] = 1;
  bytes[9] = name.length;
  bytes.writeUInt16LE(64, 10);
  bytes.writeUInt16LE(flags, 12);
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  bytes.writeBigUInt64LE(BigInt(count - 1), 24);
  bytes.writeUInt16LE(64 + label.length, 32);
  bytes.writeUInt16LE((flags & 1) === 1 ? Math.log2(UNIT) : 0, 34);
  bytes.writeBigUInt64LE(BigInt(count * CLUSTER), 40);
  bytes.writeBigUInt64LE(BigInt(size), 48);
  bytes.writeBigUInt64LE(BigInt(size), 56);
  label.copy(bytes, 64);
  list.copy(bytes, 64 + label.length);
  return bytes;
}

function nameOf(name: string, folder: number, space = 1): Buffer {
  const text = Buffer.from(name, "utf16le");
  const value = Buffer.alloc(66 + text.length);
  value.writeUInt32LE(folder, 0);
  value[64] = name.length;
  value[65] = space;
  text.copy(value, 66);
  return attribute(0x30, "", value);
}

function recordOf(flags: number, base: number, ...attributes: readonly Buffer[]): Buffer {
  const record = Buffer.alloc(RECORD);
  record.write("FILE", 0, "latin1");
  record.writeUInt16LE(42, 4);
  record.writeUInt16LE(3, 6);
  record.writeUInt16LE(48 + 8, 20);
  record.writeUInt16LE(flags, 22);
  record.writeUInt32LE(base, 32);
  const body = Buffer.concat([...attributes, Buffer.from("ffffffff", "hex")]);
  if (56 + body.length > RECORD) throw new Error("too much for a record");
  body.copy(record, 56);
  // The last two bytes of each sector go to the list.
  record.writeUInt16LE(7, 42);
  for (const [index, at] of [510, 1022].entries()) {
    record.copy(record, 44 + 2 * index, at, at + 2);
    record.writeUInt16LE(7, at);
  }
  return record;
}

/** A volume: `files` in the root, the last of them in the folder SUB; names have short forms too. */
export function buildNtfs(files: readonly ImageFile[], options: NtfsOptions = {}): Buffer {
  const { packing = "none", isEncrypted = false, stream } = options;
  const contents: Buffer[] = [];
  const recordCount = OWN_RECORDS + 2 * files.length + 2;
  const tableCluster = 4;
  const dataCluster = tableCluster + (recordCount * RECORD) / CLUSTER;
  let free = dataCluster;
  const put = (bytes: Buffer) => {
    const whole = Buffer.concat([bytes, Buffer.alloc(-bytes.length & (CLUSTER - 1))]);
    contents.push(whole);
    free += whole.length / CLUSTER;
    return { cluster: free - whole.length / CLUSTER, count: whole.length / CLUSTER };
  };
  // In two pieces, the second one first.
  const store = (bytes: Buffer): Run[] => {
    const half = Math.ceil(bytes.length / 2 / CLUSTER) * CLUSTER;
    const second = put(bytes.subarray(half));
    return [put(bytes.subarray(0, half)), second].filter(({ count }) => count > 0);
  };
  const storePacked = (bytes: Buffer): Run[] => {
    const runs: Run[] = [];
    for (let at = 0; at < bytes.length; at += UNIT * CLUSTER) {
      const unit = bytes.subarray(at, at + UNIT * CLUSTER);
      const packed = packLznt1(unit);
      const isSmaller = packed.length <= (UNIT - 1) * CLUSTER;
      const run = put(isSmaller ? packed : unit);
      runs.push(run);
      if (isSmaller) runs.push({ cluster: undefined, count: UNIT - run.count });
    }
    return runs;
  };
  const dataOf = (name: string, bytes: Buffer): Buffer[] => {
    const flags = isEncrypted ? 0x4000 : 0;
    if (bytes.length <= RESIDENT_MAX && flags === 0) return [attribute(0x80, name, bytes)];
    if (packing === "lznt1") return [outside(name, bytes.length, storePacked(bytes), 1)];
    if (packing !== "system") return [outside(name, bytes.length, store(bytes), flags)];
    const chunks = [];
    for (let at = 0; at < bytes.length; at += 16_384) {
      const chunk = bytes.subarray(at, at + 16_384);
      const packed = packXpress(chunk);
      chunks.push(packed.length < chunk.length ? packed : chunk);
    }
    const table = Buffer.alloc(4 * (chunks.length - 1));
    let end = 0;
    for (let i = 0; i + 1 < chunks.length; i++) {
      end += chunks[i]?.length ?? 0;
      table.writeUInt32LE(end, 4 * i);
    }
    const whole = Buffer.concat([table, ...chunks]);
    const reparse = Buffer.alloc(24);
    for (const [i, value] of [0x8000_0017, 16, 1, 2, 1, 3].entries()) {
      reparse.writeUInt32LE(value, 4 * i);
    }
    const hole = [{ cluster: undefined, count: Math.ceil(bytes.length / CLUSTER) }];
    return [
      outside("", bytes.length, hole, 0x8000),
      outside("WofCompressedData", whole.length, store(whole), 0),
      attribute(0xc0, "", reparse),
    ];
  };
  const records: Buffer[] = Array.from({ length: recordCount }, () => Buffer.alloc(RECORD));
  const folder = OWN_RECORDS;
  records[5] = recordOf(3, 0, nameOf(".", 5));
  records[folder] = recordOf(3, 0, nameOf("SUB", 5));
  for (const [index, { name, content }] of files.entries()) {
    const place = folder + 1 + 2 * index;
    const parent = index > 0 && index === files.length - 1 ? folder : 5;
    const streams =
      index === 0 && stream !== undefined ? dataOf(stream.name, bytesOf(stream.content)) : [];
    const names = [nameOf(`F${index}~1`, parent, 2), nameOf(name, parent)];
    records[place] = recordOf(1, 0, ...names, ...streams);
    // Data in a record of their own, as large files have them.
    records[place + 1] = recordOf(1, place, ...dataOf("", bytesOf(content)));
  }
  const tableRuns = [{ cluster: tableCluster, count: (recordCount * RECORD) / CLUSTER }];
  records[0] = recordOf(1, 0, nameOf("$MFT", 5), outside("", recordCount * RECORD, tableRuns, 0));
  const boot = Buffer.alloc(tableCluster * CLUSTER);
  boot.write("\xeb\x52\x90NTFS    ", 0, "latin1");
  boot.writeUInt16LE(512, 11);
  boot[13] = 1;
  boot.writeBigUInt64LE(BigInt(tableCluster), 48);
  boot.writeInt8(-10, 64);
  boot.set([0x55, 0xaa], 510);
  return Buffer.concat([boot, ...records, ...contents]);
}
