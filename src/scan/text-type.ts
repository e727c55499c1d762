// What kind of text an object is, from its first kilobyte: mail, markup, shortcut, script and
// the like. Text formats have no magic numbers: readers skip white space, byte order marks and
// junk before the first thing they know, so the same is done here.

/** Types of text objects, as signatures and policy name them. */
export const TEXT_TYPES = [
  "text",
  "mail",
  "mbox",
  "html",
  "hta",
  "xml",
  "svg",
  "wsf",
  "rtf",
  "shell",
  "batch",
  "encoded-script",
  "url",
  "reg",
  "slk",
  "iqy",
  "ics",
  "vcard",
  "pgp",
  "pem",
  "postscript",
  "uuencode",
  "yenc",
  "binhex",
] as const;

/** One of `TEXT_TYPES`. */
export type TextType = (typeof TEXT_TYPES)[number];

const HEAD_BYTES = 1024;
const CONTROL_CHECK_BYTES = 256;
const HEADER_LINES_MAX = 40;
const JUNK_LINES_MAX = 2;
const FIELD_NAME_MAX = 64;
const MARKUP_STEPS_MAX = 32;

// Bit n set: control character n occurs in text (BS TAB LF FF CR ESC, and DOS end of file).
const TEXT_CONTROLS = 0x0c00_3700;

// Field names that say "this is a header section", with their weight; 2 is enough. Names that
// also begin lines of memos and source code weigh 1. RFC 5322 §3.6, RFC 2045 §3.
const FIELD_WEIGHTS: Readonly<Record<string, number>> = {
  from: 1,
  to: 1,
  cc: 1,
  bcc: 1,
  subject: 1,
  date: 1,
  sender: 1,
  "reply-to": 1,
  received: 2,
  "return-path": 2,
  "delivered-to": 2,
  "envelope-to": 2,
  "message-id": 2,
  "in-reply-to": 2,
  references: 1,
  "mime-version": 2,
  "content-type": 2,
  "content-transfer-encoding": 2,
  "content-disposition": 1,
  "dkim-signature": 2,
  "authentication-results": 2,
  "arc-seal": 2,
  "list-unsubscribe": 2,
  "resent-from": 2,
  "thread-topic": 1,
};
const MAIL_WEIGHT = 2;
/** Asked for when a line that is no field stands among the first ones. */
const MAIL_WEIGHT_AFTER_JUNK = 4;

// Tags that begin HTML (the WHATWG sniffing list and what mail programs send).
const HTML_TAGS =
  " html head body title meta script iframe style link base a abbr article b big blockquote br" +
  " button center code div dl em embed fieldset font form frameset h1 h2 h3 h4 h5 h6 header hr i" +
  " img input li main map marquee nobr noscript object ol option p param pre section select" +
  " small span strike strong sub sup table tbody td template textarea th tr tt u ul video ";
// The few that make other text HTML when they only turn up later.
const HTML_STRONG_TAGS = " html head body script iframe meta ";
const WSF_TAGS = " job package component scriptlet ";

// How text of a format begins, lower case; by first character, so that few are compared.
const PREFIXES: Readonly<Record<string, readonly (readonly [string, TextType])[]>> = {
  "{": [["{\\rt", "rtf"]],
  "#": [
    ["#!", "shell"],
    ["#@~^", "encoded-script"],
  ],
  "@": [["@echo off", "batch"]],
  "-": [
    ["-----begin pgp ", "pgp"],
    ["-----begin ", "pem"],
  ],
  b: [
    ["begin:vcalendar", "ics"],
    ["begin:vcard", "vcard"],
  ],
  r: [["regedit4", "reg"]],
  w: [
    ["windows registry editor version", "reg"],
    ["web\r\n1\r\n", "iqy"],
    ["web\n1\n", "iqy"],
  ],
  i: [["id;p", "slk"]],
  "%": [["%!ps", "postscript"]],
  "=": [["=ybegin ", "yenc"]],
  "(": [["(this file must be converted with binhex", "binhex"]],
};

/** The kind of text `bytes` are, or undefined if they are no text. */
export function textType(bytes: Uint8Array): TextType | undefined {
  const wide = wideHead(bytes);
  let head = wide ?? latin1Head(bytes);
  if (head.charCodeAt(0) <= 32) head = head.trimStart();
  const type = startType(head);
  if (type !== undefined) return type;
  return wide !== undefined || isTextual(bytes) ? laterType(head) : undefined;
}

/** Whether the first 256 bytes hold no control characters but those of text. */
export function isTextual(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, CONTROL_CHECK_BYTES);
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte < 32 && ((TEXT_CONTROLS >>> byte) & 1) === 0) return false;
  }
  return true;
}

function latin1Head(bytes: Uint8Array): string {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const start = hasMark ? 3 : 0;
  const length = Math.min(bytes.length - start, HEAD_BYTES);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
}

// The head of UTF-16 text, with or without a byte order mark; undefined for all else.
function wideHead(bytes: Uint8Array): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const isMarkedLittle = a === 0xff && b === 0xfe;
  const isMarkedBig = a === 0xfe && b === 0xff;
  const isBareLittle = b === 0 && d === 0 && isPrintable(a) && isPrintable(c);
  const isBareBig = a === 0 && c === 0 && isPrintable(b) && isPrintable(d);
  if (!isMarkedLittle && !isMarkedBig && !isBareLittle && !isBareBig) return;
  const head = Buffer.from(bytes.subarray(0, Math.min(bytes.length & ~1, HEAD_BYTES)));
  if (isMarkedBig || isBareBig) head.swap16();
  const text = head.toString("utf16le").replace(/^\ufeff/, "");
  return text.slice(0, 64).includes("\0") ? undefined : text;
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13;
}

// What the first thing in the text says; control characters do not matter to those who read it.
function startType(head: string): TextType | undefined {
  const first = head.charCodeAt(0);
  if (first === 0x3c) return markupType(head);
  if (first === 0x5b && hasShortcut(head)) return "url";
  const prefixes = PREFIXES[head.charAt(0).toLowerCase()];
  if (prefixes !== undefined) {
    const start = head.slice(0, 48).toLowerCase();
    for (const [prefix, type] of prefixes) if (start.startsWith(prefix)) return type;
    if (/^begin [0-7]{3,4} \S/.test(start)) return "uuencode";
  }
  const isLetter = (first | 0x20) >= 0x61 && (first | 0x20) <= 0x7a;
  return isLetter || first === 0x3e ? mailType(head) : undefined;
}

// Text that only says further down what it is.
function laterType(head: string): TextType {
  for (let at = head.indexOf("<"), n = 0; at >= 0 && n < MARKUP_STEPS_MAX; n++) {
    const tag = tagName(head, at + 1);
    if (tag !== "" && HTML_STRONG_TAGS.includes(` ${tag} `)) return htmlOrHta(head);
    if (tag === "hta:application") return "hta";
    at = head.indexOf("<", at + 1);
  }
  return hasShortcut(head) ? "url" : "text";
}

// An Internet shortcut is an INI file: its section may stand anywhere in it.
function hasShortcut(head: string): boolean {
  return head.includes("[") && /(?:^|\n)[ \t]*\[internetshortcut\]/i.test(head);
}

// The element name at `at`, lower case; "" if no name stands there.
function tagName(head: string, at: number): string {
  return (
    /^[a-z][a-z0-9:._-]{0,40}(?=[\s/>]|$)/i.exec(head.slice(at, at + 48))?.[0].toLowerCase() ?? ""
  );
}

// Walks over comments, processing instructions and declarations to the first element.
function markupType(head: string): TextType | undefined {
  let isXml = false;
  for (let at = 0, n = 0; at >= 0 && n < MARKUP_STEPS_MAX; n++) {
    const rest = head.slice(at, at + 48).toLowerCase();
    if (rest.startsWith("<!doctype")) {
      const name = rest.slice(9).trim();
      if (/^(?:html|wml|wap)\b/.test(name)) return htmlOrHta(head);
      if (name.startsWith("svg")) return "svg";
      isXml = true;
    } else if (rest.startsWith("<?xml") || rest.startsWith("<?mso")) {
      isXml = true;
    } else if (!rest.startsWith("<!") && !rest.startsWith("<?")) {
      return elementType(head, tagName(head, at + 1), isXml);
    }
    const end = rest.startsWith("<!--") ? head.indexOf("-->", at + 4) : head.indexOf(">", at);
    at = end < 0 ? -1 : head.indexOf("<", end);
  }
  if (isXml) return "xml";
  // A comment longer than the head hides the first element: browsers would still render it.
  return head.startsWith("<!--") ? "html" : undefined;
}

function elementType(head: string, tag: string, isXml: boolean): TextType | undefined {
  if (tag === "hta:application") return "hta";
  if (tag === "svg" || tag.endsWith(":svg")) return "svg";
  if (tag !== "" && WSF_TAGS.includes(` ${tag} `)) return "wsf";
  if (tag !== "" && HTML_TAGS.includes(` ${tag} `)) return htmlOrHta(head);
  if (isXml) return "xml";
  // Without a declaration only a name space says XML: `<user@host>` also begins with a name.
  return tag !== "" && head.includes("xmlns") ? "xml" : undefined;
}

function htmlOrHta(head: string): TextType {
  return /<hta:application/i.test(head) ? "hta" : "html";
}

// Weighs the names of the fields that open the text. Lenient on purpose: what a mail program might
// open as a message has to be taken apart as one, whatever a single odd line says.
function mailType(head: string): TextType | undefined {
  const isMbox = /^>?From \S/.test(head);
  let weight = 0;
  let needed = MAIL_WEIGHT;
  let at = isMbox ? head.indexOf("\n") + 1 : 0;
  for (let line = 0, junk = 0; junk <= JUNK_LINES_MAX && line < HEADER_LINES_MAX; line++) {
    const first = head.charCodeAt(at);
    if (first === 10 || (first === 13 && head.charCodeAt(at + 1) === 10)) break;
    if (first !== 32 && first !== 9) {
      const name = fieldName(head, at);
      if (name !== "") weight += fieldWeight(name);
      else {
        junk++;
        needed = MAIL_WEIGHT_AFTER_JUNK;
      }
      if (weight >= needed) return isMbox ? "mbox" : "mail";
    }
    at = head.indexOf("\n", at) + 1;
    if (at === 0) break;
  }
  return;
}

// The lower-cased name of the field at `start`, "" if the line is no field. RFC 5322 §2.2, with
// white space before the colon as the obsolete syntax (§4.5) has it.
function fieldName(head: string, start: number): string {
  let end = start;
  while (end < head.length && isNameCode(head.charCodeAt(end))) end++;
  let colon = end;
  while (head.charCodeAt(colon) === 32 || head.charCodeAt(colon) === 9) colon++;
  const isField = head.charCodeAt(colon) === 0x3a && end - start <= FIELD_NAME_MAX;
  return isField ? head.slice(start, end).toLowerCase() : "";
}

function isNameCode(code: number): boolean {
  return code > 32 && code < 127 && code !== 0x3a;
}

function fieldWeight(name: string): number {
  const weight = FIELD_WEIGHTS[name];
  if (typeof weight === "number") return weight;
  return name.startsWith("x-") ? 1 : 0;
}
