// Writes XAR archives for tests: a table that says what a test needs, and a heap.
import { deflateSync } from "node:zlib";

/** A table of contents and the heap behind it. */
export function xarOf(table: string, heap: Uint8Array): Buffer {
  const xml = Buffer.from(`<?xml version="1.0"?><xar><toc>${table}</toc></xar>`);
  const packed = deflateSync(xml);
  const header = Buffer.alloc(28);
  header.write("xar!");
  header.writeUInt16BE(28, 4);
  header.writeUInt16BE(1, 6);
  header.writeBigUInt64BE(BigInt(packed.length), 8);
  header.writeBigUInt64BE(BigInt(xml.length), 16);
  return Buffer.concat([header, packed, heap]);
}

/** The table's entry of a file whose packed bytes stand at `offset` of the heap. */
export function xarFile(name: string, offset: number, length: number, encoding: string): string {
  const place = `<length>${length}</length><offset>${offset}</offset><size>9</size>`;
  const data = `<data>${place}<encoding style="application/${encoding}"/></data>`;
  return `<file id="1"><type>file</type>${data}<name>${name}</name></file>`;
}

/** One file, packed as most archives have it. */
export function buildXar(name: string, content: Uint8Array): Buffer {
  const packed = deflateSync(content);
  return xarOf(xarFile(name, 0, packed.length, "x-gzip"), packed);
}
