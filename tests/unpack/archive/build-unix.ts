// Writes the archives of Unix that are not tar: cpio in its dialects, ar, and RPM's headers.

import { bytesOf } from "./build-archives.ts";

/** A file in a cpio archive; the last one is called TRAILER!!!. */
export interface CpioMember {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly sum?: number;
}

/** `bytes` with zeros up to a multiple of `to`. */
export function align(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}

const hex = (value: number) => value.toString(16).padStart(8, "0");
const octal = (value: number, width: number) => value.toString(8).padStart(width, "0");

/** What nearly everything writes since 1990; `magic` 070702 is the one with sums. */
export function newc(member: CpioMember, magic = "070701"): Buffer {
  const { name, content = "", mode = 0o100644, sum = 0 } = member;
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, sum];
  const header = Buffer.from(`${magic}${fields.map(hex).join("")}${name}\0`);
  return Buffer.concat([align(header, 4), align(bytesOf(content), 4)]);
}

/** The portable one of POSIX. */
export function odc({ name, content = "", mode = 0o100644 }: CpioMember): Buffer {
  const fields = [0, 1, mode, 0, 0, 1, 0].map((value) => octal(value, 6)).join("");
  const sizes = `${octal(name.length + 1, 6)}${octal(content.length, 11)}`;
  const head = `070707${fields}${octal(0, 11)}${sizes}${name}\0`;
  return Buffer.concat([Buffer.from(head), bytesOf(content)]);
}

/** The extension of afio. */
export function afio({ name, content = "", mode = 0o100644 }: CpioMember): Buffer {
  const start = `070727${"0".repeat(24)}m${octal(mode, 6)}${"0".repeat(48)}n`;
  const sizes = `${(name.length + 1).toString(16).padStart(4, "0")}00000000s`;
  const size = content.length.toString(16).padStart(16, "0");
  const head = `${start}${sizes}${size}:${name}\0`;
  return Buffer.concat([Buffer.from(head), bytesOf(content)]);
}

/** The oldest one, in words of either order. */
export function binaryCpio(
  { name, content = "", mode = 0o100644 }: CpioMember,
  isLittle: boolean,
): Buffer {
  const header = Buffer.alloc(26);
  const words = [0o070707, 0, 1, mode, 0, 0, 1, 0, 0, 0, name.length + 1, 0, content.length];
  for (const [index, word] of words.entries()) {
    if (isLittle) header.writeUInt16LE(word, index * 2);
    else header.writeUInt16BE(word, index * 2);
  }
  const head = align(Buffer.concat([header, Buffer.from(`${name}\0`)]), 2);
  return Buffer.concat([head, align(bytesOf(content), 2)]);
}

/** A member of an ar archive, behind its first line "!<arch>". */
export function arMember(name: string, content: string, size = content.length): string {
  const header = `${name.padEnd(16)}${"0".padEnd(12)}0     0     100644  ${String(size).padEnd(10)}\`\n`;
  return `${header}${content}${content.length % 2 === 1 ? "\n" : ""}`;
}

/** A header of an RPM: so many entries of its index, which are all zero, and their data. */
export function rpmHeader(entries: number, data: string): Buffer {
  const header = Buffer.alloc(16 + entries * 16);
  header.writeUInt32BE(0x8eade801, 0);
  header.writeUInt32BE(entries, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, Buffer.from(data)]);
}
