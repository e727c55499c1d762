// Writes Windows shortcuts for tests. [MS-SHLLINK] §2.

const u16 = (value: number) => Buffer.from([value & 255, value >> 8]);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

export interface LinkParts {
  readonly items?: readonly Buffer[];
  readonly info?: Buffer;
  readonly name?: string;
  readonly relativePath?: string;
  readonly workingDirectory?: string;
  readonly args?: string;
  readonly icon?: string;
  readonly isAnsi?: boolean;
  readonly blocks?: readonly Buffer[];
  readonly show?: number;
}

export function shellLink(parts: LinkParts): Buffer {
  const { items, info, name, relativePath, workingDirectory, args, icon, blocks = [] } = parts;
  const strings = [name, relativePath, workingDirectory, args, icon];
  let flags = parts.isAnsi === true ? 0 : 0x80;
  if (items !== undefined) flags |= 1;
  if (info !== undefined) flags |= 2;
  for (const [index, text] of strings.entries()) if (text !== undefined) flags |= 4 << index;
  const head = Buffer.alloc(76);
  head.write("L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "latin1");
  head.writeUInt32LE(flags, 20);
  head.writeUInt32LE(parts.show ?? 1, 60);
  const list = items === undefined ? [] : [itemList(items)];
  const counted = strings
    .filter((text) => text !== undefined)
    .map((text) =>
      Buffer.concat([
        u16(text.length),
        Buffer.from(text, parts.isAnsi === true ? "latin1" : "utf16le"),
      ]),
    );
  return Buffer.concat([
    head,
    ...list,
    ...(info === undefined ? [] : [info]),
    ...counted,
    ...blocks,
    u32(0),
  ]);
}

function itemList(items: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    ...items.map((item) => Buffer.concat([u16(item.length + 2), item])),
    u16(0),
  ]);
  return Buffer.concat([u16(body.length), body]);
}

export const drive = (letter: string) => Buffer.from(`\x2f${letter}:\\\0`, "latin1");

/** A file item with a short name, and with the long one as Windows 7 writes it. */
export function file(short: string, long = ""): Buffer {
  const head = Buffer.concat([Buffer.from("\x32\0"), Buffer.alloc(10), Buffer.from(`${short}\0`)]);
  const padded = Buffer.concat([head, Buffer.alloc(head.length & 1)]);
  if (long === "") return padded;
  const name = Buffer.from(`${long}\0`, "utf16le");
  // Size, version 8, signature, dates, fields of Vista and 7, then the name.
  const block = [u16(0), u16(8), u32(0xbeef_0004), Buffer.alloc(8 + 2 + 18 + 2 + 4), name, u16(0)];
  return Buffer.concat([padded, ...block]);
}

export const address = (url: string) =>
  Buffer.concat([Buffer.from("\x61\x80\0\0"), Buffer.from(`${url}\0`, "utf16le")]);

export function localInfo(path: string): Buffer {
  const text = Buffer.from(`${path}\0\0`, "latin1");
  const size = 28 + text.length;
  const fields = [size, 28, 1, 0, 28, 0, size - 1].map(u32);
  return Buffer.concat([...fields, text]);
}

export function networkInfo(share: string, rest: string): Buffer {
  const network = Buffer.concat([
    ...[20 + share.length + 1, 2, 20, 0, 0].map(u32),
    Buffer.from(`${share}\0`),
  ]);
  const text = Buffer.from(`${rest}\0`, "latin1");
  const fields = [28 + network.length + text.length, 28, 2, 0, 0, 28, 28 + network.length].map(u32);
  return Buffer.concat([...fields, network, text]);
}

export function environment(path: string): Buffer {
  const block = Buffer.alloc(788);
  block.writeUInt32LE(788, 0);
  block.writeUInt32LE(0xa000_0001, 4);
  block.write(path, 8, "latin1");
  block.write(path, 268, "utf16le");
  return block;
}
