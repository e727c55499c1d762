// What pages hide in attributes: nested pages (iframe srcdoc), and scripts in event handlers and
// javascript: addresses that are written with entities or percent codes. What stands in a page in
// plain words is matched there; only what reads differently once decoded is given.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";

const PIECES_MAX = 5000;
const PAGES_MAX = 200;
const VALUE_MAX = 4 << 20;
const NAME_MAX = 28;
const SPACE_MAX = 20;
const BARE_MAX = 65_536;
/** Attributes that hold an address, or (of animations in drawings) what an address becomes. */
const ADDRESSES =
  "href xlink:href src action formaction data values to from background poster".split(" ");
const INITIALS = [..."hxsafdvtbp"].map((initial) => initial.charCodeAt(0));
const LENGTHS = [2, 3, 4, 6, 10];
const SCRIPT_ADDRESS = /^(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:/i;
const NAMES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
  colon: ":",
  lpar: "(",
  rpar: ")",
  newline: "\n",
  tab: "\t",
  nbsp: " ",
  sol: "/",
  period: ".",
  comma: ",",
  semi: ";",
  equals: "=",
  plus: "+",
  lsqb: "[",
  rsqb: "]",
  grave: "`",
};

/** Yields nested pages and encoded scripts; quick for text without any. */
export function* explodeMarkup(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  // Every encoding that a browser undoes in attributes and in the scripts of drawings has a "&",
  // "%" or "srcdoc" in it; a page has tags.
  if (!input.includes(0x3c)) return { status: "clean", note: "" };
  const text = input.toString("latin1");
  const scripts: string[] = [];
  let pages = 0;
  for (const { name, value } of attributes(text)) {
    if (budget.isExpired) return { status: "unscanned", note: "time limit reached" };
    if (name !== "srcdoc") {
      if (scripts.length < PIECES_MAX) scripts.push(value);
      continue;
    }
    if (++pages > PAGES_MAX) return { status: "unscanned", note: "too many nested pages" };
    const page = Buffer.from(value);
    if (!budget.takeObject(page.length)) return refused();
    yield { name: "srcdoc.html", declaredType: "text/html", bytes: page };
  }
  for (const body of encodedScripts(text)) if (scripts.length < PIECES_MAX) scripts.push(body);
  if (scripts.length > 0) {
    const joined = Buffer.from(`${scripts.join("\n")}\n`);
    if (!budget.takeObject(joined.length)) return refused();
    yield { name: "scripts", declaredType: "text/javascript", bytes: joined };
  }
  // A page may have thousands of addresses; what is beyond them has not been read.
  if (scripts.length >= PIECES_MAX) return { status: "unscanned", note: "too many attributes" };
  return { status: "clean", note: "" };
}

function refused(): Explosion {
  return { status: "unscanned", note: "more than may still be extracted" };
}

// Attributes that read differently once decoded, decoded; nested pages always. Tags are not told
// from text: broken markup is read in too many ways to say where one begins.
function* attributes(text: string): Generator<{ name: string; value: string }> {
  for (let from = 0; ; ) {
    const equals = text.indexOf("=", from);
    if (equals < 0) return;
    from = equals + 1;
    const name = nameBefore(text, equals);
    const isHandler = name.startsWith("on");
    if (!isHandler && name !== "srcdoc" && !ADDRESSES.includes(name)) continue;
    const { raw, isQuoted } = valueBehind(text, equals);
    // What is quoted may be no value but text with markup in it; the next quote ends it anyway.
    if (!isQuoted) from += raw.length;
    if (raw.length > VALUE_MAX || raw === "") continue;
    if (name === "srcdoc") yield { name, value: decodeEntities(raw) };
    else if (isHandler) {
      if (raw.includes("&")) yield { name, value: decodeEntities(raw) };
    } else if (mayBeScript(raw)) {
      const address = decodeEntities(raw).trimStart();
      if (!SCRIPT_ADDRESS.test(address)) continue;
      // Browsers drop line ends and tabs in addresses, and undo percent codes before they run them.
      const plain = decodePercents(address.replace(/[\t\r\n]/g, ""));
      if (plain !== raw) yield { name, value: plain };
    }
  }
}

// The name that ends before an equals sign, lower case.
function nameBefore(text: string, equals: number): string {
  let end = equals;
  while (end > equals - SPACE_MAX && isSpace(text.charCodeAt(end - 1))) end--;
  let start = end;
  while (start > end - NAME_MAX && isNameCode(text.charCodeAt(start - 1))) start--;
  // Pages are full of equals signs: nearly all are told by a character or two.
  const first = text.charCodeAt(start) | 0x20;
  const isHandler = first === 0x6f && (text.charCodeAt(start + 1) | 0x20) === 0x6e;
  const isAddress = INITIALS.includes(first) && LENGTHS.includes(end - start);
  return isHandler || isAddress ? text.slice(start, end).toLowerCase() : "";
}

interface Value {
  readonly raw: string;
  readonly isQuoted: boolean;
}

function valueBehind(text: string, equals: number): Value {
  let start = equals + 1;
  while (start < equals + SPACE_MAX && isSpace(text.charCodeAt(start))) start++;
  const quote = text[start];
  if (quote === '"' || quote === "'") {
    const end = text.indexOf(quote, start + 1);
    return { raw: text.slice(start + 1, end < 0 ? text.length : end), isQuoted: true };
  }
  let end = start;
  while (end < text.length && end < start + BARE_MAX) {
    const code = text.charCodeAt(end);
    if (isSpace(code) || code === 0x3e) break;
    end++;
  }
  return { raw: text.slice(start, end), isQuoted: false };
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 9 && code <= 13);
}

function isNameCode(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x3a;
}

// Most addresses begin with "http", "mailto" or "#" and are not looked at any further.
function mayBeScript(raw: string): boolean {
  const first = raw.charCodeAt(0);
  return (first | 0x20) === 0x6a || (first | 0x20) === 0x76 || first <= 0x20 || first === 0x26;
}

// Scripts of drawings and XML: there, unlike in HTML, entities count within a script.
function* encodedScripts(text: string): Generator<string> {
  if (!text.includes("&#") && !text.includes("&lt;")) return;
  const opening = /<(?:\w{1,20}:)?script\b[^>]{0,2000}>/gi;
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const start = found.index + found[0].length;
    const close = text.indexOf("</", start);
    const end = close < 0 ? text.length : close;
    const body = text.slice(start, end);
    if (/&(?:#|lt;|gt;|quot;|amp;)/.test(body)) yield decodeEntities(body);
    opening.lastIndex = end;
  }
}

/** Text with character references decoded, also those without a semicolon. WHATWG HTML §13.2.5.72. */
function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#x([0-9a-f]{1,8})|#(\d{1,8})|([a-z]{2,10}));?/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return entityNamed(name) ?? whole;
      const code = Number.parseInt(hex ?? decimal ?? "", hex === undefined ? 10 : 16);
      return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

function entityNamed(name: string): string | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined;
}

function decodePercents(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
