// Compound files for tests: streams by path, in version 3 (512-byte sectors) or 4 (4,096).

const END = 0xfffffffe;
const FREE = 0xffffffff;
const FAT_SECTOR = 0xfffffffd;
const DIFAT_SECTOR = 0xfffffffc;
const MINI = 64;
const CUTOFF = 4096;
const HEADER_FATS = 109;

export interface CompoundOptions {
  readonly shift?: 9 | 12;
  /** Stores the sectors of streams in reverse order. */
  readonly isScattered?: boolean;
  /** Paths whose entry no storage leads to. */
  readonly orphans?: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly kind: number;
  child: number;
  right: number;
  start: number;
  size: number;
}

class Writer {
  readonly size: number;
  readonly sectors: Buffer[] = [];
  readonly fat: number[] = [];
  readonly #isScattered: boolean;

  constructor(shift: number, isScattered: boolean) {
    this.size = 2 ** shift;
    this.#isScattered = isScattered;
  }

  /** Adds a chain of sectors; the first one's number. */
  add(bytes: Buffer): number {
    const count = Math.ceil(bytes.length / this.size);
    if (count === 0) return END;
    const first = this.sectors.length;
    const place = (n: number) => first + (this.#isScattered ? count - 1 - n : n);
    for (let n = 0; n < count; n++) {
      const sector = Buffer.alloc(this.size);
      bytes.copy(sector, 0, n * this.size, (n + 1) * this.size);
      this.sectors[place(n)] = sector;
      this.fat[place(n)] = n + 1 < count ? place(n + 1) : END;
    }
    return place(0);
  }
}

function numbers(values: readonly number[], size: number, filler: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((values.length * 4) / size) * size);
  for (let n = 0; n * 4 < bytes.length; n++) bytes.writeUInt32LE(values[n] ?? filler, n * 4);
  return bytes;
}

function entriesOf(streams: Readonly<Record<string, Uint8Array>>, orphans: readonly string[]) {
  const root: Entry = {
    name: "Root Entry",
    kind: 5,
    child: FREE,
    right: FREE,
    start: END,
    size: 0,
  };
  const entries = [root];
  const ids = new Map<string, number>([["", 0]]);
  const idOf = (path: string, kind: number): number => {
    const known = ids.get(path);
    if (known !== undefined) return known;
    const cut = path.lastIndexOf("/");
    const parent = entries[idOf(path.slice(0, Math.max(0, cut)), 1)] as Entry;
    const id = entries.length;
    const entry: Entry = {
      ...{ name: path.slice(cut + 1), kind, child: FREE, right: FREE, start: END, size: 0 },
    };
    entries.push(entry);
    ids.set(path, id);
    if (!orphans.includes(path)) {
      entry.right = parent.child;
      parent.child = id;
    }
    return id;
  };
  return { entries, idsOf: Object.keys(streams).map((path) => idOf(path, 2)) };
}

function directoryOf(entries: readonly Entry[], size: number): Buffer {
  const directory = Buffer.alloc(Math.ceil((entries.length * 128) / size) * size);
  for (let at = 0; at < directory.length; at += 128) {
    const entry = entries[at / 128];
    for (const link of [68, 72, 76]) directory.writeUInt32LE(FREE, at + link);
    if (entry === undefined) continue;
    directory.write(entry.name, at, 62, "utf16le");
    directory.writeUInt16LE(Math.min(64, entry.name.length * 2 + 2), at + 64);
    directory[at + 66] = entry.kind;
    directory.writeUInt32LE(entry.right, at + 72);
    directory.writeUInt32LE(entry.child, at + 76);
    directory.writeUInt32LE(entry.start, at + 116);
    directory.writeUInt32LE(entry.size, at + 120);
  }
  return directory;
}

/** A compound file with `streams`; "/" in their names parts storages. */
export function buildCompound(
  streams: Readonly<Record<string, Uint8Array | string>>,
  options: CompoundOptions = {},
): Buffer {
  const { shift = 9, isScattered = false, orphans = [] } = options;
  const contents = Object.fromEntries(
    Object.entries(streams).map(([path, content]) => [path, Buffer.from(content as string)]),
  );
  const { entries, idsOf } = entriesOf(contents, orphans);
  const writer = new Writer(shift, isScattered);
  const mini: Buffer[] = [];
  const miniFat: number[] = [];
  Object.values(contents).forEach((bytes, index) => {
    const entry = entries[idsOf[index] as number] as Entry;
    entry.size = bytes.length;
    if (bytes.length >= CUTOFF) entry.start = writer.add(bytes);
    else if (bytes.length > 0) {
      const count = Math.ceil(bytes.length / MINI);
      entry.start = miniFat.length;
      for (let n = 1; n <= count; n++) miniFat.push(n < count ? entry.start + n : END);
      mini.push(bytes, Buffer.alloc(count * MINI - bytes.length));
    }
  });
  const root = entries[0] as Entry;
  const miniStream = Buffer.concat(mini);
  root.size = miniStream.length;
  root.start = writer.add(miniStream);
  const miniFatStart = writer.add(numbers(miniFat, writer.size, FREE));
  const directoryStart = writer.add(directoryOf(entries, writer.size));
  return finish(writer, { shift, miniFatStart, miniFatCount: miniFat.length, directoryStart });
}

interface Starts {
  readonly shift: number;
  readonly miniFatStart: number;
  readonly miniFatCount: number;
  readonly directoryStart: number;
}

function finish(writer: Writer, starts: Starts): Buffer {
  const { size, sectors, fat } = writer;
  const perSector = size / 4;
  let fatCount = 0;
  let difatCount = 0;
  for (;;) {
    const total = sectors.length + fatCount + difatCount;
    const fats = Math.ceil(total / perSector);
    const difats = Math.ceil(Math.max(0, fats - HEADER_FATS) / (perSector - 1));
    if (fats === fatCount && difats === difatCount) break;
    fatCount = fats;
    difatCount = difats;
  }
  const fatSectors = Array.from({ length: fatCount }, (_, n) => sectors.length + n);
  const difatStart = sectors.length + fatCount;
  const table = [
    ...fat,
    ...fatSectors.map(() => FAT_SECTOR),
    ...Array.from({ length: difatCount }, () => DIFAT_SECTOR),
  ];
  const header = Buffer.alloc(size);
  header.write("d0cf11e0a1b11ae1", "hex");
  header.writeUInt16LE(0x3e, 24);
  header.writeUInt16LE(starts.shift === 12 ? 4 : 3, 26);
  header.writeUInt16LE(0xfffe, 28);
  header.writeUInt16LE(starts.shift, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(fatCount, 44);
  header.writeUInt32LE(starts.directoryStart, 48);
  header.writeUInt32LE(CUTOFF, 56);
  header.writeUInt32LE(starts.miniFatStart, 60);
  header.writeUInt32LE(Math.ceil((starts.miniFatCount * 4) / size), 64);
  header.writeUInt32LE(difatCount > 0 ? difatStart : END, 68);
  header.writeUInt32LE(difatCount, 72);
  for (let n = 0; n < HEADER_FATS; n++) header.writeUInt32LE(fatSectors[n] ?? FREE, 76 + n * 4);
  const difats: Buffer[] = [];
  for (let n = 0; n < difatCount; n++) {
    const from = HEADER_FATS + n * (perSector - 1);
    const part = numbers(fatSectors.slice(from, from + perSector - 1), size, FREE);
    const isLast = n + 1 === difatCount;
    part.writeUInt32LE(isLast ? END : difatStart + n + 1, size - 4);
    difats.push(part);
  }
  return Buffer.concat([header, ...sectors, numbers(table, size, FREE), ...difats]);
}
