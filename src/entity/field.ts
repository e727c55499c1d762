// One structured header field (Content-Type, Content-Disposition) as a union of what its readers
// see. Mail programs differ in how they take quotes, comments, missing semicolons, repeated
// parameters and RFC 2231 pieces; every value that one of them would take is given.

import { decodeCharset, decodePercent, decodeWords } from "./charset.ts";

/** A field's parameter, once per occurrence. Text is latin1: one character per byte. */
interface Parameter {
  /** Lower case, with the RFC 2231 marks: `filename*0*`. */
  readonly name: string;
  /** Between quotes and unescaped, or up to the semicolon. */
  readonly value: string;
  /** As written, quotes left out. */
  readonly raw: string;
}

/** A parsed field. */
export interface Field {
  /** The word before the parameters, lower case: `multipart/mixed`, `attachment`; "" if none. */
  readonly value: string;
  readonly parameters: readonly Parameter[];
  /** What the parameters are without comments, if the field has any. */
  readonly uncommented: readonly Parameter[];
  /** The whole field's text, unfolded. */
  readonly text: string;
  /** True if the field was too long to be read to its end. */
  readonly isCut: boolean;
}

const FIELD_LENGTH_MAX = 32_768;
const PARAMETERS_MAX = 256;
const BOUNDARIES_MAX = 16;
const PIECES_MAX = 256;

/** Parses `raw`, the text behind the field's colon. Never throws. */
export function parseField(raw: string): Field {
  const whole = raw.includes("\n") || raw.includes("\r") ? raw.replace(/[\r\n]+/g, "") : raw;
  const text = whole.length > FIELD_LENGTH_MAX ? whole.slice(0, FIELD_LENGTH_MAX) : whole;
  const plain = text.includes("(") ? withoutComments(text) : text;
  const parameters: Parameter[] = [];
  const uncommented: Parameter[] = [];
  const isWhole =
    collectParameters(text, parameters) &&
    (plain === text || collectParameters(plain, uncommented));
  const value = /^[\s;]*([^\s;]+(?:\s*\/\s*[^\s;]+)?)/.exec(plain)?.[1] ?? "";
  const isCut = !isWhole || whole.length > FIELD_LENGTH_MAX;
  return {
    value: value.replace(/[\s"]+/g, "").toLowerCase(),
    parameters,
    uncommented,
    text,
    isCut,
  };
}

// Quoted values end at their quote; an unquoted one (or one whose quote is never closed) ends at
// the semicolon, and what follows its first word is looked at again: a semicolon may be missing.
// The pattern only begins at the start of a word, which keeps it linear in hostile text.
function collectParameters(text: string, into: Parameter[]): boolean {
  const pattern = /(?<![^\s;="()])([^\s;="()]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|"?([^;]*))/g;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (into.length >= PARAMETERS_MAX) return false;
    const [whole, name = "", quoted, bare = ""] = match;
    const raw = (quoted ?? bare).trimEnd();
    const value = quoted?.includes("\\") ? quoted.replace(/\\([\s\S])/g, "$1") : (quoted ?? raw);
    into.push({ name: name.toLowerCase(), value, raw: quoted ?? raw });
    if (quoted === undefined && /\s\S+\s*=/.test(bare)) {
      pattern.lastIndex -= bare.length - bare.search(/\s/);
    }
    if (whole === "") pattern.lastIndex++;
  }
  return true;
}

// RFC 5322 §3.2.2, outside quoted strings; nesting is only counted.
function withoutComments(text: string): string {
  let plain = "";
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === "\\") {
      if (depth === 0) plain += char + (text[at + 1] ?? "");
      at++;
      continue;
    }
    if (char === '"' && depth === 0) isQuoted = !isQuoted;
    if (char === "(" && !isQuoted) depth++;
    else if (char === ")" && depth > 0) depth--;
    else if (depth === 0) plain += char;
  }
  return plain;
}

/** Every text a reader may take as parameter `name`: RFC 2231 forms first, then plain ones. */
export function parameterTexts(field: Field, name: string): string[] {
  // "(1)" in a name is rarely meant as a comment, so names with it come first.
  const texts = textsAmong(field.parameters, name);
  return texts.length > 0 ? texts : textsAmong(field.uncommented, name);
}

function textsAmong(parameters: readonly Parameter[], name: string): string[] {
  const texts: string[] = [];
  for (const { bytes, charset } of extendedValues(parameters, name)) {
    texts.push(decodeCharset(Buffer.from(bytes, "latin1"), charset));
  }
  for (const parameter of parameters) {
    if (parameter.name === name) texts.push(decodeWords(parameter.value));
  }
  return texts;
}

interface Extended {
  readonly bytes: string;
  readonly charset: string;
}

// RFC 2231 §3 and §4: `name*=charset'language'percent-coded` or pieces `name*0=`, `name*1*=`, …
// Pieces are joined in numeric order; gaps do not stop us, since they do not stop all readers.
function extendedValues(parameters: readonly Parameter[], name: string): Extended[] {
  const values: Extended[] = [];
  const pieces = new Map<number, { value: string; isCoded: boolean }>();
  for (const parameter of parameters) {
    if (parameter.name.charCodeAt(name.length) !== 0x2a || !parameter.name.startsWith(name)) {
      continue;
    }
    const found = /^\*(\d{1,4})?(\*)?$/.exec(parameter.name.slice(name.length));
    if (found === null) continue;
    const number = found[1];
    if (number === undefined) values.push(extended([{ value: parameter.value, isCoded: true }]));
    else if (pieces.size < PIECES_MAX && !pieces.has(Number(number))) {
      pieces.set(Number(number), { value: parameter.value, isCoded: found[2] !== undefined });
    }
  }
  if (pieces.size > 0) {
    const sorted = [...pieces].sort(([a], [b]) => a - b);
    values.push(extended(sorted.map(([, piece]) => piece)));
  }
  return values;
}

function extended(pieces: readonly { value: string; isCoded: boolean }[]): Extended {
  let charset = "";
  let bytes = "";
  pieces.forEach((piece, index) => {
    let { value } = piece;
    const head = index === 0 && piece.isCoded ? /^([^']*)'[^']*'/.exec(value) : null;
    if (head !== null) {
      charset = head[1] ?? "";
      value = value.slice(head[0].length);
    }
    bytes += piece.isCoded ? decodePercent(value) : value;
  });
  return { bytes, charset };
}

/**
 * Every boundary a reader may take from a Content-Type field, as latin1 text, likeliest first.
 * Only those that occur in the body matter in the end. RFC 2046 §5.1.1.
 */
export function boundaryCandidates(field: Field): string[] {
  const found = new Set<string>();
  for (const parameters of [field.parameters, field.uncommented]) {
    addBoundaries(parameters, found);
  }
  // What readers take that search the field for "boundary=" without minding quotes.
  for (const match of field.text.matchAll(/boundary(?:\*0?)?\*?\s*=\s*"?([^"\s;]+)/gi)) {
    found.add(match[1] as string);
    if (found.size > BOUNDARIES_MAX) break;
  }
  return [...found].slice(0, BOUNDARIES_MAX);
}

function addBoundaries(parameters: readonly Parameter[], found: Set<string>): void {
  for (const { name, value, raw } of parameters) {
    if (name !== "boundary") continue;
    found.add(value.trimEnd());
    const variants = [raw, value.trim(), value.replace(/\s.*/, ""), value.replace(/\s+/g, "")];
    for (const variant of variants) found.add(variant);
    if (value.includes("=?")) found.add(Buffer.from(decodeWords(value)).toString("latin1"));
  }
  for (const { bytes, charset } of extendedValues(parameters, "boundary")) {
    found.add(bytes.trimEnd());
    if (charset === "") continue;
    const text = decodeCharset(Buffer.from(bytes, "latin1"), charset);
    found.add(Buffer.from(text).toString("latin1"));
  }
}
