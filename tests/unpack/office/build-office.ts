// What lies inside compound files, for tests: VBA projects, packages, workbooks, messages.
import { buildCompound } from "./build-compound.ts";

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export const wide = (text: string) => Buffer.from(text, "utf16le");

/** A compressed container: chunks of 4,096 bytes; repeats of the last byte become tokens. */
export function compressVba(source: string | Buffer): Buffer {
  const input = Buffer.from(source as string);
  const parts: Buffer[] = [Buffer.from([1])];
  for (let start = 0; start < input.length; start += 4096) {
    const chunk = input.subarray(start, start + 4096);
    const data = compressChunk(chunk);
    // What would grow is stored as it is.
    if (chunk.length === 4096 && data.length > 4096) parts.push(u16(0x3fff), chunk);
    else parts.push(u16(0xb000 | (data.length - 1)), data);
  }
  return Buffer.concat(parts);
}

function compressChunk(chunk: Buffer): Buffer {
  const output: number[] = [];
  for (let at = 0; at < chunk.length; ) {
    const flagsAt = output.push(0) - 1;
    for (let bit = 0; bit < 8 && at < chunk.length; bit++) {
      let length = 0;
      while (at > 0 && length < 10 && chunk[at + length] === chunk[at - 1]) length++;
      if (length < 3) {
        output.push(chunk[at++] as number);
        continue;
      }
      const lengthBits = 16 - Math.max(4, Math.ceil(Math.log2(at)));
      output.push(...u16((0 << lengthBits) | (length - 3)));
      output[flagsAt] = (output[flagsAt] as number) | (1 << bit);
      at += length;
    }
  }
  return Buffer.from(output);
}

export interface ModuleSpec {
  readonly name: string;
  readonly source: string;
  /** Lines in the compiled form. */
  readonly compiled?: number;
  /** Leaves the compressed source out. */
  readonly isWiped?: boolean;
}

/** The streams of a VBA project below `storage`. */
export function vbaStreams(
  modules: readonly ModuleSpec[],
  storage = "Macros",
): Record<string, Buffer> {
  const record = (id: number, data: Buffer) => Buffer.concat([u16(id), u32(data.length), data]);
  const parts = [
    record(0x0001, u32(1)),
    record(0x0003, u16(1252)),
    record(0x0004, Buffer.from("Project")),
    // The one record whose size is a lie.
    Buffer.concat([u16(0x0009), u32(4), u32(1), u16(2)]),
  ];
  const streams: Record<string, Buffer> = { [`${storage}/PROJECT`]: Buffer.from("ID=x") };
  for (const { name, source, compiled = 0, isWiped = false } of modules) {
    const cache = compiledModule(compiled);
    parts.push(
      record(0x0019, Buffer.from(name)),
      record(0x0047, wide(name)),
      record(0x001a, Buffer.from(name)),
      record(0x0032, wide(name)),
      record(0x001c, Buffer.alloc(0)),
      record(0x0048, Buffer.alloc(0)),
      record(0x0031, u32(cache.length)),
      record(0x001e, u32(0)),
      record(0x002c, u16(0xffff)),
      record(0x0021, Buffer.alloc(0)),
      record(0x002b, Buffer.alloc(0)),
    );
    const packed = isWiped ? Buffer.alloc(300) : compressVba(source);
    streams[`${storage}/VBA/${name}`] = Buffer.concat([cache, packed]);
  }
  parts.push(record(0x0010, Buffer.alloc(0)));
  streams[`${storage}/VBA/dir`] = compressVba(Buffer.concat(parts));
  return streams;
}

function compiledModule(lines: number): Buffer {
  const code = Buffer.alloc(lines * 8, 0x20);
  const table = Array.from({ length: lines }, (_, n) =>
    Buffer.concat([u32(0), u16(8), u16(0), u32(n * 8)]),
  );
  const head = Buffer.from([0xfe, 0xca, 1, 0]);
  return Buffer.concat([Buffer.alloc(60), head, u16(lines), ...table, Buffer.alloc(10), code]);
}

/** An `\x01Ole10Native` stream of the packager. */
export function packageStream(name: string, content: Buffer, unicode = ""): Buffer {
  const zero = (text: string) => Buffer.from(`${text}\0`, "latin1");
  const copy = zero(`C:\\Temp\\${name}`);
  const names = [name, name, name].flatMap(() => [u32(unicode.length), wide(unicode)]);
  const body = Buffer.concat([
    ...[u16(2), zero(name), zero(`C:\\Users\\a\\${name}`), u16(0), u16(3)],
    ...[u32(copy.length), copy, u32(content.length), content],
    ...(unicode === "" ? [] : names),
  ]);
  return Buffer.concat([u32(body.length), body]);
}

/** A record of a workbook. */
export function biff(id: number, ...data: readonly Buffer[]): Buffer {
  const body = Buffer.concat(data);
  return Buffer.concat([u16(id), u16(body.length), body]);
}

const short = (text: string) => Buffer.concat([Buffer.from([text.length, 0]), Buffer.from(text)]);

export interface SheetSpec {
  readonly name: string;
  readonly state?: number;
  /** Kind in the list of sheets: 1 is a macro sheet. */
  readonly listed?: number;
  /** Records between the sheet's first and last. */
  readonly records: readonly Buffer[];
}

/** A BIFF8 workbook; `globals` are records of its first part. */
export function buildWorkbook(
  sheets: readonly SheetSpec[],
  globals: readonly Buffer[] = [],
): Buffer {
  const bof = (kind: number) => biff(0x0809, u16(0x0600), u16(kind), u32(0), u32(0), u32(0));
  const end = biff(0x000a);
  const bodies = sheets.map(({ records }) => Buffer.concat([bof(0x40), ...records, end]));
  const listSize = sheets.reduce((sum, { name }) => sum + 4 + 8 + name.length, 0);
  let at = bof(5).length + Buffer.concat([...globals]).length + listSize + end.length;
  const list = sheets.map(({ name, state = 0, listed = 1 }, index) => {
    const entry = biff(0x0085, u32(at), Buffer.from([state, listed]), short(name));
    at += bodies[index]?.length ?? 0;
    return entry;
  });
  return Buffer.concat([bof(5), ...globals, ...list, end, ...bodies]);
}

/** A cell with a formula. */
export function formulaCell(row: number, column: number, tokens: Buffer): Buffer {
  const head = [u16(row), u16(column), u16(0), Buffer.alloc(8), u16(0), u32(0)];
  return biff(0x0006, ...head, u16(tokens.length), tokens);
}

/** Token of a string in a formula. */
export function stringToken(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x17]), short(text)]);
}

/** The built-in name Auto_Open, which refers to A1. */
export function autoOpenName(): Buffer {
  const formula = Buffer.concat([Buffer.from([0x3a]), u16(0), u16(0), u16(0)]);
  const head = [u16(0x20), Buffer.from([0, 1]), u16(formula.length), u16(0), u16(1), u32(0)];
  return biff(0x0018, ...head, Buffer.from([0, 1]), formula);
}

/** A property's stream of a message. */
export const property = (id: string, type = "001F") => `__substg1.0_${id}${type}`;

/** A message of Outlook with one attachment and one attached message. */
export function buildMessage(attachment: Buffer, rtf: Buffer): Buffer {
  const first = "__attach_version1.0_#00000000";
  const second = "__attach_version1.0_#00000001";
  const inner = `${second}/__substg1.0_3701000D`;
  return buildCompound({
    "__properties_version1.0": Buffer.alloc(32),
    [property("0037")]: wide("Subject of it"),
    [property("1000")]: wide("Grüße"),
    [property("1013", "0102")]: "<html>hello</html>",
    [property("1009", "0102")]: rtf,
    [property("007D")]: wide("Received: from a\r\n"),
    "__recip_version1.0_#00000000/__properties_version1.0": Buffer.alloc(8),
    [`__recip_version1.0_#00000000/${property("3003")}`]: wide("b@example.org"),
    [`${first}/__properties_version1.0`]: Buffer.alloc(8),
    [`${first}/${property("3704")}`]: wide("INVOIC~1.EXE"),
    [`${first}/${property("3707")}`]: wide("invoice for may.exe"),
    [`${first}/${property("370E")}`]: wide("Application/Octet-Stream"),
    [`${first}/${property("3701", "0102")}`]: attachment,
    [`${second}/__properties_version1.0`]: Buffer.alloc(8),
    [`${second}/${property("3001")}`]: wide("Fwd: report"),
    [`${inner}/__properties_version1.0`]: Buffer.alloc(24),
    [`${inner}/${property("1000")}`]: wide("inner body"),
    [`${inner}/${first}/${property("3707")}`]: wide("deep.js"),
    [`${inner}/${first}/${property("3701", "0102")}`]: "WScript.Echo(1)",
  });
}
