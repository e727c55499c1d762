// Writes documents that carry other files: OneNote sections, and the tags of Flash files.

const HEAD = Buffer.from("e716e3bd65261145a4c48d4d0b7a9eac", "hex");
const FOOT = Buffer.from("22a7fb71790f0b4abb13899256426b24", "hex");
/** How a OneNote section begins. */
export const ONENOTE_HEAD = Buffer.concat([
  Buffer.from("e4525c7b8cd8a74daeb15378d02996d3", "hex"),
  Buffer.alloc(1008),
]);

/** An embedded file; Latin-1. */
export function oneNoteFile(content: string, size = content.length): Buffer {
  const length = Buffer.alloc(20);
  length.writeBigUInt64LE(BigInt(size));
  const data = Buffer.from(content, "latin1");
  return Buffer.concat([HEAD, length, data, Buffer.alloc(-data.length & 7), FOOT]);
}

/** The property with a name of one. */
export function oneNoteName(name: string): Buffer {
  const text = Buffer.from(name, "utf16le");
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  return Buffer.concat([size, text, Buffer.alloc(8)]);
}

/** A tag of a Flash file; Latin-1. */
export const flashTag = (code: number, content: string) => {
  const head = Buffer.alloc(6);
  head.writeUInt16LE((code << 6) | 0x3f);
  head.writeUInt32LE(content.length, 2);
  return Buffer.concat([head, Buffer.from(content, "latin1")]);
};
