// What gw writes onto a message as a whole: header fields, a mark in the subject, a disclaimer below
// the text. Header fields go to the top; nothing that stands in the message moves.

import { asBuffer } from "../../base/bytes.ts";
import { encodeBody, headerText } from "../../entity/encode.ts";
import { parameterTexts } from "../../entity/field.ts";
import { withoutForged } from "../../entity/forged.ts";
import { readHeader } from "../../entity/header.ts";
import { readings } from "../../entity/transfer.ts";
import { leavesOf, type Part, readParts } from "./parts.ts";

/** What to write onto a message. */
export interface Marks {
  /** Header fields, `Name: value`, without line ends. */
  readonly headers?: readonly string[];
  /** Put in front of the subject, unless it is there already. */
  readonly subjectMark?: string;
  /** Name of this host: fields that others wrote in its name are taken out. */
  readonly forgedAs?: string;
  /** Put below the text, in each form the message has. */
  readonly disclaimer?: { readonly text: string; readonly html: string };
}

/** The marked message, and what was left undone or is broken by the edit. */
export interface Marked {
  readonly bytes: Uint8Array;
  readonly notes: readonly string[];
  /** Body or subject are others now: what is above them alone breaks no signature. */
  readonly isChanged: boolean;
}

const HEADERS_MAX = 50;
const HEADER_LENGTH_MAX = 900;
const SUBJECT = /^subject[ \t]*:[ \t]*/im;
const SIGNATURES =
  /^(dkim-signature|arc-message-signature)[ \t]*:([^\r\n]*(?:(?:\r\n|\r|\n)[ \t]+[^\r\n]*)*)/gim;
// RFC 9580 §7: signed in the text itself.
const SIGNED_TEXT = "-----BEGIN PGP SIGNED MESSAGE-----";
const LATIN1 = /^(?:iso-8859-1|windows-1252)$/;
const ASCII_COMPATIBLE = /^(?:utf-8|us-ascii|ascii|iso-8859-\d+|windows-\d+|koi8-[ru])$/;

/** Marks a message. `isEdited` says that its body has been changed before. */
export function applyMarks(
  message: Uint8Array,
  marks: Marks,
  { isEdited }: { readonly isEdited: boolean },
): Marked {
  const notes: string[] = [];
  let bytes = asBuffer(message);
  let isBodyChanged = isEdited;
  if (marks.disclaimer !== undefined) {
    const disclaimed = withDisclaimer(bytes, marks.disclaimer);
    if (typeof disclaimed === "string") notes.push(`no disclaimer: ${disclaimed}`);
    else {
      bytes = disclaimed;
      isBodyChanged = true;
    }
  }
  if (marks.forgedAs !== undefined) bytes = withoutForgedFields(bytes, marks.forgedAs);
  const beforeSubject = bytes;
  if (marks.subjectMark !== undefined && marks.subjectMark !== "") {
    bytes = withSubjectMark(bytes, marks.subjectMark);
  }
  const isSubjectChanged = bytes !== beforeSubject;
  const broken = brokenSignatures(bytes, isBodyChanged, isSubjectChanged);
  const headers = (marks.headers ?? []).slice(0, HEADERS_MAX).flatMap(headerLine);
  if (headers.length > 0) bytes = Buffer.concat([Buffer.from(headers.join(""), "latin1"), bytes]);
  const isChanged = isBodyChanged || isSubjectChanged;
  return { bytes, notes: [...notes, ...broken], isChanged };
}

// A field that is not one is left out: it would end the header.
function headerLine(header: string): string[] {
  const found = /^([!-9;-~]{1,60}):[ \t]*([\s\S]*)$/.exec(header);
  if (found === null) return [];
  const [, name, value = ""] = found;
  return [`${name}: ${headerText(value.slice(0, HEADER_LENGTH_MAX))}\r\n`];
}

function headerEnd(bytes: Buffer): number {
  return readHeader(bytes, 0, bytes.length).bodyStart;
}

function withoutForgedFields(bytes: Buffer, hostname: string): Buffer {
  const end = headerEnd(bytes);
  const head = bytes.toString("latin1", 0, end);
  const left = withoutForged(head, hostname);
  if (left.length === head.length) return bytes;
  return Buffer.concat([Buffer.from(left, "latin1"), bytes.subarray(end)]);
}

function withSubjectMark(bytes: Buffer, mark: string): Buffer {
  const text = headerText(mark);
  const head = bytes.toString("latin1", 0, headerEnd(bytes));
  const found = SUBJECT.exec(head);
  const at = found === null ? 0 : found.index + found[0].length;
  if (found !== null && head.startsWith(text, at)) return bytes;
  const added = found === null ? `Subject: ${text}\r\n` : `${text} `;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(added, "latin1"), bytes.subarray(at)]);
}

function withDisclaimer(
  bytes: Buffer,
  disclaimer: { readonly text: string; readonly html: string },
): Buffer | string {
  const tree = readParts(bytes);
  if (tree.problem !== "") return tree.problem;
  if (tree.parts.some((part) => part.isSealed)) return "the message is signed or encrypted";
  const before = leavesOf(tree).length;
  // From the back, so that what stands before keeps its place.
  const texts = [firstText(bytes, tree.parts, "html"), firstText(bytes, tree.parts, "plain")]
    .filter((part) => part !== undefined)
    .sort((a, b) => b.start - a.start);
  let edited = bytes;
  for (const part of texts) {
    const isHtml = part.type === "text/html";
    edited = appended(edited, part, isHtml ? disclaimer.html : disclaimer.text) ?? edited;
  }
  if (edited === bytes) return "the message has no text that it could be added to";
  return leavesOf(readParts(edited)).length === before ? edited : "it would break the message";
}

// The text a reader sees first, not an attached one.
function firstText(bytes: Buffer, parts: readonly Part[], kind: string): Part | undefined {
  return parts.find((part) => {
    const isText = part.type === `text/${kind}` || (kind === "plain" && part.type === "");
    if (!part.isLeaf || !isText || part.name !== "") return false;
    const header = readHeader(bytes, part.start, part.end);
    return !header.dispositions.some(({ value }) => value === "attachment");
  });
}

function appended(bytes: Buffer, part: Part, addition: string): Buffer | undefined {
  const body = bytes.subarray(part.bodyStart, part.end);
  const text = asBuffer(readings(body, part.encoding)[0]?.bytes ?? body);
  if (addition === "" || text.includes(SIGNED_TEXT)) return undefined;
  const [field] = readHeader(bytes, part.start, part.end).types;
  const charset = (field && parameterTexts(field, "charset")[0]?.toLowerCase()) || "us-ascii";
  if (!ASCII_COMPATIBLE.test(charset)) return undefined;
  const isHtml = part.type === "text/html";
  const at = isHtml ? endOfPage(text) : text.length;
  const isOnNewLine = at === 0 || text[at - 1] === 10;
  // Another encoding would mean another header: what it takes letters beyond ASCII for, a text can
  // do without.
  for (const wanted of [charset, "us-ascii"]) {
    const added = Buffer.from(inCharset(addition, wanted, isHtml), "latin1");
    const pieces = [text.subarray(0, at), Buffer.from(isOnNewLine ? "" : "\r\n"), added];
    const whole = Buffer.concat([...pieces, Buffer.from("\r\n"), text.subarray(at)]);
    const encoded = encodeBody(whole, { encoding: part.encoding, body }, "\r\n");
    if (encoded.encoding !== "") continue;
    const [front, rest] = [bytes.subarray(0, part.bodyStart), bytes.subarray(part.end)];
    return Buffer.concat([front, encoded.bytes, rest]);
  }
  return undefined;
}

function endOfPage(page: Buffer): number {
  const text = page.toString("latin1").toLowerCase();
  const body = text.lastIndexOf("</body");
  const html = text.lastIndexOf("</html");
  return body >= 0 ? body : html >= 0 ? html : page.length;
}

// Letters of which a plain form is known by heart; of others the marks are left out.
const PLAIN: Readonly<Record<string, string>> = {
  ...{ ä: "ae", ö: "oe", ü: "ue", Ä: "Ae", Ö: "Oe", Ü: "Ue", ß: "ss", æ: "ae", ø: "o", å: "a" },
  ...{ "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-" },
};

function plainly(char: string): string {
  return PLAIN[char] ?? (char.normalize("NFKD").replace(/[^\0-\x7f]/gu, "") || "?");
}

// As latin1 text, one character per byte. What the charset lacks becomes an entity, or is written
// plainly: another charset would mean another header, and the text be one that nobody sent.
function inCharset(text: string, charset: string, isHtml: boolean): string {
  const lines = text.toWellFormed().replace(/\r?\n/g, "\r\n");
  if (!isHtml && charset === "utf-8") return Buffer.from(lines).toString("latin1");
  return lines.replace(/[^\0-\x7f]/gu, (char) => {
    if (isHtml) return `&#${char.codePointAt(0)};`;
    return LATIN1.test(charset) && /[\xa0-\xff]/.test(char) ? char : plainly(char);
  });
}

function brokenSignatures(bytes: Buffer, isBody: boolean, isSubject: boolean): string[] {
  const notes = new Set<string>();
  if (!isBody && !isSubject) return [];
  const head = bytes.toString("latin1", 0, Math.min(headerEnd(bytes), 65_536));
  for (const [, name = "", value = ""] of head.matchAll(SIGNATURES)) {
    const tags = value.replace(/\s+/g, "");
    const coversSubject = /(?:^|;)h=[^;]*\bsubject\b/i.test(tags);
    const domain = /(?:^|;)d=([\w.-]{1,100})/i.exec(tags)?.[1] ?? "?";
    const kind = name.toLowerCase().startsWith("dkim") ? "DKIM" : "ARC";
    if (isBody || coversSubject)
      notes.add(`the ${kind} signature of ${domain} does not hold any more`);
  }
  return [...notes];
}
