// Writes what carries a Macintosh file with its two forks: BinHex and AppleSingle.

const DIGITS = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
/** The line before a BinHex file. */
export const BINHEX_MARK = "(This file must be converted with BinHex 4.0)";

/** A number in four bytes, highest first. */
export function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

// The checksum bit by bit, over the bytes and two zeros, unlike the table in the source.
function withSum(bytes: Buffer): Buffer {
  let crc = 0;
  for (const byte of [...bytes, 0, 0]) {
    for (let bit = 7; bit >= 0; bit--) {
      const isSet = (crc & 0x8000) !== 0;
      crc = ((crc << 1) | ((byte >> bit) & 1)) & 0xffff;
      if (isSet) crc ^= 0x1021;
    }
  }
  return Buffer.concat([bytes, Buffer.from([crc >> 8, crc & 255])]);
}

/** A BinHex file, with the line that mail programs look for. */
export function binhex(name: string, data: Buffer, resource = Buffer.alloc(0)): string {
  const head = Buffer.concat([
    Buffer.from(`${String.fromCharCode(name.length)}${name}\0TEXTttxt\0\0`, "latin1"),
    u32be(data.length),
    u32be(resource.length),
  ]);
  const plain = Buffer.concat([withSum(head), withSum(data), withSum(resource)]);
  // A run of five and more is written as a count; 0x90 as 0x90 0x00.
  const packed = plain
    .toString("latin1")
    .replace(/\x90/g, "\x90\0")
    .replace(
      /([^\x90\0])\1{4,254}/g,
      (run: string) => `${run[0]}\x90${String.fromCharCode(run.length)}`,
    );
  let bits = "";
  for (const byte of Buffer.from(packed, "latin1")) bits += byte.toString(2).padStart(8, "0");
  const text = (bits.match(/.{1,6}/g) ?? []).map(
    (six) => DIGITS[Number.parseInt(six.padEnd(6, "0"), 2)],
  );
  return `${BINHEX_MARK}\r\n:${text.join("").replace(/.{63}/g, "$&\r\n")}:\r\n`;
}

/** AppleSingle or AppleDouble, as `magic` says; contents are Latin-1. */
export function appleFile(
  magic: number,
  ...entries: readonly (readonly [id: number, content: string])[]
): Buffer {
  const head = Buffer.concat([
    u32be(magic),
    u32be(0x0002_0000),
    Buffer.alloc(16),
    Buffer.from([0, entries.length]),
  ]);
  let at = head.length + 12 * entries.length;
  const table = entries.map(([id, content]) => {
    const entry = Buffer.concat([u32be(id), u32be(at), u32be(content.length)]);
    at += content.length;
    return entry;
  });
  return Buffer.concat([
    head,
    ...table,
    Buffer.from(entries.map(([, content]) => content).join(""), "latin1"),
  ]);
}
