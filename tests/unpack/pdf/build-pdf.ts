// Puts PDF files together, well-formed or as broken as a test needs them.
import { deflateSync } from "node:zlib";

/** A stream with its dictionary's other entries. */
export interface StreamPart {
  readonly dict?: string;
  readonly data: Buffer | string;
  /** Deflated, and said to be so. */
  readonly isFlate?: boolean;
  /** Said instead of the true length. */
  readonly length?: string;
}

/** The text of an object, or a stream. */
export type Part = string | StreamPart;

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** One object from `num gen obj` to `endobj`. */
export function objectOf(num: number, part: Part): Buffer {
  if (typeof part === "string") return latin1(`${num} 0 obj\n${part}\nendobj\n`);
  const plain = typeof part.data === "string" ? latin1(part.data) : part.data;
  const data = part.isFlate ? deflateSync(plain) : plain;
  const filter = part.isFlate ? "/Filter /FlateDecode" : "";
  const dict = `<< /Length ${part.length ?? data.length} ${filter} ${part.dict ?? ""} >>`;
  const head = latin1(`${num} 0 obj\n${dict}\nstream\n`);
  return Buffer.concat([head, data, latin1("\nendstream\nendobj\n")]);
}

/** A whole file; objects are numbered from 1, and 1 is the catalog. */
export function buildPdf(parts: readonly Part[], trailer = ""): Buffer {
  const pieces: Buffer[] = [latin1("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")];
  const offsets: number[] = [];
  let at = (pieces[0] as Buffer).length;
  for (const [index, part] of parts.entries()) {
    const piece = objectOf(index + 1, part);
    offsets.push(at);
    at += piece.length;
    pieces.push(piece);
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  const size = parts.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${rows.join("")}`;
  const end = `trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.concat([...pieces, latin1(table + end)]);
}

/** An object stream that holds `objects` by number. */
export function objectStream(objects: Readonly<Record<number, string>>): StreamPart {
  let places = "";
  let body = "";
  for (const [num, text] of Object.entries(objects)) {
    places += `${num} ${body.length} `;
    body += `${text} `;
  }
  const dict = `/Type /ObjStm /N ${Object.keys(objects).length} /First ${places.length}`;
  return { dict, data: places + body, isFlate: true };
}
