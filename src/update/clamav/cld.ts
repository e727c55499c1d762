// A database that was put together here out of a container and diffs, as freshclam's .cld: a header and
// a tar archive. What vouches for it is the signed list of its files, which came with the diff.
import { gzipSync } from "node:zlib";
import { type DatabaseFile, DiffError } from "./cdiff.ts";
import { writeHeader } from "./header.ts";

const BLOCK = 512;

// POSIX.1 ustar, plain files only.
function tarEntry({ name, bytes }: DatabaseFile): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length, "0")}\0`;
  header.write(name, 0, 100, "latin1");
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        0", 148);
  header.write("ustar\0" + "00", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return [header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), padding];
}

/** Writes a container of the files of a database. Throws DiffError if their list is missing. */
export function writeCld(files: readonly DatabaseFile[]): Buffer {
  const info = files.find(({ name }) => name.endsWith(".info"));
  if (info === undefined) throw new DiffError("the list of the files is missing");
  const [first = ""] = Buffer.from(info.bytes).toString("latin1").split("\n");
  const tar = Buffer.concat([...files.flatMap(tarEntry), Buffer.alloc(2 * BLOCK)]);
  return Buffer.concat([writeHeader(first), gzipSync(tar, { level: 1 })]);
}
