// .NET programs for tests: metadata with a row or two in each table that is read. All indexes are two
// bytes wide, as in any small program.
import type { PePart } from "./pe-builder.ts";

const up = (value: number) => Math.ceil(value / 4) * 4;
const padded = (bytes: Uint8Array) => Buffer.concat([bytes], up(bytes.length));

function shorts(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => {
    bytes.writeUInt16LE(value, index * 2);
  });
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** A heap of which every entry's place is known. */
class Heap {
  readonly #pieces: Buffer[] = [Buffer.alloc(1)];
  #size = 1;

  add(bytes: Buffer): number {
    const at = this.#size;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    return at;
  }

  name(value: string): number {
    return value === "" ? 0 : this.add(Buffer.from(`${value}\0`));
  }

  blob(bytes: Uint8Array): number {
    return this.add(Buffer.concat([Buffer.from([bytes.length]), bytes]));
  }

  get bytes(): Buffer {
    return padded(Buffer.concat(this.#pieces));
  }
}

export interface DotnetOptions {
  readonly resource?: Uint8Array;
  readonly strings?: readonly string[];
}

/** The section of a .NET program, with its header as directory 14. */
export function dotnetPart({ resource, strings = ["Hello"] }: DotnetOptions = {}): PePart {
  const make = (address: number) => {
    const names = new Heap();
    const blobs = new Heap();
    const users = new Heap();
    for (const one of strings) {
      users.blob(Buffer.concat([Buffer.from(one, "utf16le"), Buffer.alloc(1)]));
    }
    const tables = buildTables(names, blobs, resource !== undefined);
    const guid = Buffer.from("6bec37de1243734081ea903f0a340a11", "hex");
    const metadata = buildRoot([
      ["#~", tables],
      ["#Strings", names.bytes],
      ["#US", users.bytes],
      ["#GUID", guid],
      ["#Blob", blobs.bytes],
    ]);
    const header = Buffer.alloc(72);
    header.writeUInt32LE(72, 0);
    header.writeUInt32LE(address + 72, 8);
    header.writeUInt32LE(metadata.length, 12);
    const body = resource === undefined ? [] : [long(resource.length), Buffer.from(resource)];
    if (resource !== undefined) {
      header.writeUInt32LE(address + 72 + metadata.length, 24);
      header.writeUInt32LE(4 + resource.length, 28);
    }
    return Buffer.concat([header, metadata, ...body]);
  };
  return { name: ".text", directory: 14, make };
}

function buildRoot(streams: readonly (readonly [name: string, bytes: Buffer])[]): Buffer {
  const version = padded(Buffer.from("v4.0.30319\0"));
  const fixed = Buffer.concat([
    ...[long(0x424a_5342), shorts(1, 1), long(0), long(version.length), version],
    shorts(0, streams.length),
  ]);
  const headers = streams.map(([name]) => padded(Buffer.from(`${name}\0`)));
  let at = fixed.length + headers.reduce((sum, one) => sum + 8 + one.length, 0);
  const written = streams.map(([, bytes], index) => {
    const entry = Buffer.concat([long(at), long(bytes.length), headers[index] as Buffer]);
    at += bytes.length;
    return entry;
  });
  return Buffer.concat([fixed, ...written, ...streams.map(([, bytes]) => bytes)]);
}

function buildTables(names: Heap, blobs: Heap, hasResource: boolean): Buffer {
  const name = (value: string) => names.name(value);
  const library = blobs.blob(
    Buffer.concat([shorts(1), Buffer.from("\x04abcd", "latin1"), shorts(0)]),
  );
  const rows = new Map<number, Buffer[]>([
    [0x00, [shorts(0, name("own.exe"), 1, 0, 0)]],
    [0x01, [shorts((1 << 2) | 2, name("GuidAttribute"), name("System.Runtime.InteropServices"))]],
    [
      0x02,
      [
        Buffer.concat([long(0), shorts(name("<Module>"), 0, 0, 1, 1)]),
        Buffer.concat([long(0x101), shorts(name("Program"), name("Own"), (1 << 2) | 1, 1, 1)]),
        Buffer.concat([long(0x2), shorts(name("Inner`1"), 0, 0, 1, 2)]),
      ],
    ],
    [
      0x06,
      [
        Buffer.concat([long(0), shorts(0, 0x16, name("Main"), 0, 1)]),
        Buffer.concat([long(0), shorts(0, 0x46, name("Run"), 0, 2)]),
      ],
    ],
    [0x08, [shorts(0, 1, name("args"))]],
    [0x0a, [shorts((1 << 3) | 1, name(".ctor"), 0)]],
    [0x0b, [shorts(0x0e, 0, blobs.blob(Buffer.from("const", "utf16le")))]],
    [0x0c, [shorts((1 << 5) | 14, (1 << 3) | 3, library)]],
    [0x1a, [shorts(name("kernel32"))]],
    [0x20, [Buffer.concat([long(0), shorts(1, 2, 3, 4), long(0), shorts(0, name("Own"), 0)])]],
    [
      0x23,
      [
        Buffer.concat([
          ...[shorts(4, 0, 0, 0), long(0), shorts(blobs.blob(Buffer.from("token")))],
          shorts(name("mscorlib"), 0, 0),
        ]),
      ],
    ],
    [0x29, [shorts(3, 2)]],
    [0x2a, [shorts(0, 0, 3 << 1, name("T"))]],
  ]);
  if (hasResource) {
    rows.set(0x28, [Buffer.concat([long(0), long(1), shorts(name("Own.data"), 0)])]);
  }
  const ids = [...rows.keys()].sort((a, b) => a - b);
  const head = Buffer.alloc(24);
  head[4] = 2;
  head.writeBigUInt64LE(
    ids.reduce((bits, id) => bits | (1n << BigInt(id)), 0n),
    8,
  );
  const counts = ids.map((id) => long(rows.get(id)?.length ?? 0));
  return padded(Buffer.concat([head, ...counts, ...ids.flatMap((id) => rows.get(id) ?? [])]));
}
