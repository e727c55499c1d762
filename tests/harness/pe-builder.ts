// Windows programs for tests: just enough of one for what is put in it. Each part gets a section of
// its own; parts with a directory are what that directory points to.

const PAGE = 0x1000;
const SECTOR = 0x200;
const HEADERS = 0x400;

export interface PePart {
  readonly name: string;
  /** Index in the table of data directories, if it is one's target. */
  readonly directory?: number;
  /** The bytes, knowing where they are loaded. */
  readonly make: (address: number) => Buffer;
  readonly flags?: number;
}

export interface PeOptions {
  readonly is64?: boolean;
  readonly parts?: readonly PePart[];
  readonly overlay?: Uint8Array;
  /** Signatures: a file offset instead of an address, behind everything. */
  readonly certificates?: Uint8Array;
  readonly entry?: number;
  readonly characteristics?: number;
}

const up = (value: number, to: number) => Math.ceil(value / to) * to;

/** A program. */
export function buildPe(options: PeOptions = {}): Buffer {
  const { is64 = false, overlay = Buffer.alloc(0), certificates = Buffer.alloc(0) } = options;
  const parts = options.parts ?? [{ name: ".text", make: () => Buffer.from("\x90\xc3", "latin1") }];
  const head = Buffer.alloc(HEADERS);
  head.write("MZ", 0, "latin1");
  head.writeUInt32LE(0x80, 0x3c);
  head.write("PE\0\0", 0x80, "latin1");
  head.writeUInt16LE(is64 ? 0x8664 : 0x14c, 0x84);
  head.writeUInt16LE(parts.length, 0x86);
  head.writeUInt32LE(1_600_000_000, 0x88);
  const optionalSize = (is64 ? 112 : 96) + 16 * 8;
  head.writeUInt16LE(optionalSize, 0x94);
  head.writeUInt16LE(options.characteristics ?? 0x102, 0x96);
  const optional = 0x98;
  head.writeUInt16LE(is64 ? 0x20b : 0x10b, optional);
  head.writeUInt32LE(options.entry ?? PAGE, optional + 16);
  head.writeUInt32LE(PAGE, optional + 20);
  if (is64) head.writeBigUInt64LE(0x1_4000_0000n, optional + 24);
  else head.writeUInt32LE(0x40_0000, optional + 28);
  head.writeUInt32LE(PAGE, optional + 32);
  head.writeUInt32LE(SECTOR, optional + 36);
  head.writeUInt32LE(HEADERS, optional + 60);
  head.writeUInt16LE(3, optional + 68);
  const directories = optional + (is64 ? 112 : 96);
  head.writeUInt32LE(16, directories - 4);
  const bodies: Buffer[] = [];
  let address = PAGE;
  let offset = HEADERS;
  parts.forEach((part, index) => {
    const data = part.make(address);
    const body = Buffer.concat([data], up(data.length, SECTOR));
    const at = optional + optionalSize + 40 * index;
    head.write(part.name, at, 8, "latin1");
    head.writeUInt32LE(data.length, at + 8);
    head.writeUInt32LE(address, at + 12);
    head.writeUInt32LE(body.length, at + 16);
    head.writeUInt32LE(offset, at + 20);
    head.writeUInt32LE(part.flags ?? 0x6000_0020, at + 36);
    if (part.directory !== undefined) {
      head.writeUInt32LE(address, directories + 8 * part.directory);
      head.writeUInt32LE(data.length, directories + 8 * part.directory + 4);
    }
    bodies.push(body);
    address += up(data.length, PAGE);
    offset += body.length;
  });
  if (certificates.length > 0) {
    head.writeUInt32LE(offset + overlay.length, directories + 8 * 4);
    head.writeUInt32LE(certificates.length, directories + 8 * 4 + 4);
  }
  return Buffer.concat([head, ...bodies, overlay, certificates]);
}

/** Hands out places in one block of data that refers to itself by address. */
class Block {
  readonly #pieces: Buffer[] = [];
  readonly #address: number;
  #size = 0;

  constructor(address: number) {
    this.#address = address;
  }

  /** Adds bytes; their address. */
  add(bytes: Buffer): number {
    const at = this.#address + this.#size;
    this.#pieces.push(bytes, Buffer.alloc(up(bytes.length, 8) - bytes.length));
    this.#size += up(bytes.length, 8);
    return at;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

const words = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value >>> 0, index * 4);
  });
  return bytes;
};

const text = (value: string) => Buffer.from(`${value}\0`, "latin1");

/** An import directory: libraries with names of functions, or ordinals. */
export function importPart(
  libraries: Readonly<Record<string, readonly (string | number)[]>>,
  is64 = false,
): PePart {
  const entries = Object.entries(libraries);
  const make = (address: number) => {
    const block = new Block(address + 20 * (entries.length + 4));
    const descriptors: number[] = [];
    for (const [library, functions] of entries) {
      const thunks = functions.map((one) =>
        typeof one === "number" ? -one : block.add(Buffer.concat([Buffer.alloc(2), text(one)])),
      );
      const table = Buffer.concat([
        ...thunks.map((one) => {
          if (!is64) return words(one > 0 ? one : 0x8000_0000 - one);
          return one > 0 ? words(one, 0) : words(-one, 0x8000_0000);
        }),
        Buffer.alloc(is64 ? 8 : 4),
      ]);
      const names = block.add(table);
      descriptors.push(names, 0, 0, block.add(text(library)), block.add(table));
    }
    const head = Buffer.concat([words(...descriptors)], 20 * (entries.length + 4));
    return Buffer.concat([head, block.bytes]);
  };
  return { name: ".idata", directory: 1, make };
}

/** An export directory; a function is forwarded if its value is a text. */
export function exportPart(
  library: string,
  functions: Readonly<Record<string, number | string>>,
): PePart {
  const make = (address: number) => {
    const block = new Block(address + 40);
    const entries = Object.entries(functions);
    const targets = entries.map(([, to]) => (typeof to === "string" ? block.add(text(to)) : to));
    const names = entries.map(([name]) => block.add(text(name)));
    const indexes = Buffer.alloc(entries.length * 2);
    entries.forEach((_, index) => {
      indexes.writeUInt16LE(index, index * 2);
    });
    const head = words(
      ...[0, 1_500_000_000, 0, block.add(text(library)), 5, entries.length, entries.length],
      ...[block.add(words(...targets)), block.add(words(...names)), block.add(indexes)],
    );
    return Buffer.concat([head, block.bytes]);
  };
  return { name: ".edata", directory: 0, make };
}

export interface BuiltResource {
  readonly type: number | string;
  readonly name: number | string;
  readonly language?: number;
  readonly data: Uint8Array;
}

/** A resource directory: one entry of every level for each resource. */
export function resourcePart(resources: readonly BuiltResource[]): PePart {
  const make = (address: number) => {
    const tables = 16 + resources.length * 8;
    const perResource = 24 + 24 + 16;
    const labelsAt = tables + perResource * resources.length;
    const labels: Buffer[] = [];
    let labelsSize = 0;
    const label = (value: number | string) => {
      if (typeof value === "number") return value;
      const at = labelsAt + labelsSize;
      const bytes = Buffer.from(`\0\0${value}`, "utf16le").subarray(2);
      bytes.writeUInt16LE(value.length, 0);
      labels.push(bytes);
      labelsSize += bytes.length;
      return 0x8000_0000 + at;
    };
    const head = [tableHead(resources.length)];
    const levels: Buffer[] = [];
    const entries = resources.map(({ type, name }, index) => {
      const at = tables + perResource * index;
      head.push(words(label(type), 0x8000_0000 + at));
      return { at, name: label(name) };
    });
    let dataAt = up(labelsAt + labelsSize, 8);
    resources.forEach(({ language = 1033, data }, index) => {
      const { at, name } = entries[index] as { at: number; name: number };
      levels.push(tableHead(1), words(name, 0x8000_0000 + at + 24));
      levels.push(tableHead(1), words(language, at + 48));
      levels.push(words(address + dataAt, data.length, 0, 0));
      dataAt += up(data.length, 8);
    });
    const front = Buffer.concat([...head, ...levels, ...labels]);
    const data = resources.map((one) => Buffer.concat([one.data], up(one.data.length, 8)));
    return Buffer.concat([Buffer.concat([front], up(front.length, 8)), ...data]);
  };
  return { name: ".rsrc", directory: 2, make };
}

function tableHead(count: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(77, 4);
  head.writeUInt16LE(4, 8);
  head.writeUInt16LE(count, 14);
  return head;
}

/** A version resource with these strings. */
export function versionResource(strings: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(strings).map(([key, value]) =>
    versionBlock(key, Buffer.from(`${value}\0`, "utf16le"), value.length + 1),
  );
  const table = versionBlock("040904B0", joined(pairs), 0);
  const info = versionBlock("StringFileInfo", table, 0);
  return versionBlock("VS_VERSION_INFO", Buffer.concat([Buffer.alloc(52), info]), 52);
}

function joined(blocks: readonly Buffer[]): Buffer {
  return Buffer.concat(blocks.map((one) => Buffer.concat([one], up(one.length, 4))));
}

function versionBlock(key: string, body: Buffer, valueLength: number): Buffer {
  const head = Buffer.concat([Buffer.alloc(6), Buffer.from(`${key}\0`, "utf16le")]);
  const bytes = Buffer.concat([Buffer.concat([head], up(head.length, 4)), body]);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt16LE(valueLength, 2);
  bytes.writeUInt16LE(1, 4);
  return bytes;
}
