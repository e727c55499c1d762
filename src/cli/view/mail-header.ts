// Who a mail says it is from and about, decoded for the person who looks at it. Only what a person
// reads is made here; decisions never rest on it.
import { closeSync, openSync, readSync } from "node:fs";
import type { Body } from "../../message.ts";
import { printableUpTo } from "../../text/printable.ts";

/** Bytes from the start of a mail that are looked at. */
const HEADER_SIZE_MAX = 65_536;
const VALUE_LENGTH_MAX = 200;

/** A field as it is shown: name and text. */
export type ShownField = readonly [name: string, value: string];

function headOf(body: Body): Buffer {
  if (body.kind === "bytes") return Buffer.from(body.bytes.subarray(0, HEADER_SIZE_MAX));
  const head = Buffer.alloc(Math.min(body.size, HEADER_SIZE_MAX));
  const file = openSync(body.path, "r");
  try {
    return head.subarray(0, readSync(file, head, 0, head.length, body.offset));
  } finally {
    closeSync(file);
  }
}

function headerOf(body: Body): Buffer {
  const head = headOf(body);
  const ends = [head.indexOf("\r\n\r\n"), head.indexOf("\n\n")].filter((end) => end >= 0);
  return ends.length === 0 ? head : head.subarray(0, Math.min(...ends));
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  if (value instanceof Date) return value.toUTCString();
  if (typeof value === "object" && value !== null && "text" in value) return String(value.text);
  return value === undefined ? "" : String(value);
}

const SHOWN = ["From", "To", "Subject", "Date"] as const;

// The fields as they stand, if there is nothing in them to decode: no encoded words, no bytes beyond
// ASCII, each field there once at most.
function plainFields(header: Buffer): ShownField[] | undefined {
  const text = header.toString("latin1").replaceAll(/\r?\n[ \t]+/g, " ");
  const fields: ShownField[] = [];
  for (const name of SHOWN) {
    const found = [...text.matchAll(new RegExp(`^${name}[ \\t]*:(.*)$`, "gim"))];
    const value = found[0]?.[1]?.trim() ?? "";
    if (found.length > 1 || /=\?|[^\x20-\x7e]/.test(value)) return undefined;
    const at = name === "Date" ? Date.parse(value) : Number.NaN;
    fields.push([name, Number.isNaN(at) ? value : new Date(at).toUTCString()]);
  }
  return fields;
}

async function parsedFields(header: Buffer): Promise<ShownField[]> {
  // Loaded only here because it takes longer to load than a mail takes to scan.
  const { simpleParser } = await import("mailparser");
  const mail = await simpleParser(Buffer.concat([header, Buffer.from("\r\n\r\n")]));
  return [
    ["From", textOf(mail.from)],
    ["To", textOf(mail.to)],
    ["Subject", textOf(mail.subject)],
    ["Date", textOf(mail.date)],
  ];
}

/** From, To, Subject and Date of a mail, those that it has. */
export async function readMailHeader(body: Body): Promise<readonly ShownField[]> {
  const header = headerOf(body);
  const fields = plainFields(header) ?? (await parsedFields(header));
  return fields
    .filter(([, value]) => value !== "")
    .map(([name, value]) => [name, printableUpTo(value, VALUE_LENGTH_MAX)]);
}
