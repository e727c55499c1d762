// Files that rules may hit: made of a rule's own strings, with the numbers and strings that its
// condition wants at fixed places. No rule is sure to hit its file; each comes near.
import type { YaraNode, YaraRegex } from "../../src/gwdb/yara-judgement.ts";
import { parseRegex } from "../../src/regex/parse/parse.ts";
import type { Node } from "../../src/regex/syntax.ts";
import type { Op } from "../../src/signature/source.ts";
import { base64Forms, widened } from "../../src/signature/yara/encoding.ts";
import type { Rule } from "../../src/signature/yara/language/scope.ts";
import type { StringDeclaration } from "../../src/signature/yara/language/string.ts";
import { buildSignature, certificateEntry } from "../harness/der.ts";
import { buildPe } from "../harness/pe-builder.ts";
import type { Random } from "../scan/generator.ts";

const GAP_MAX = 40;
const BODY_AT = 0x600;

function ofNode(node: Node, random: Random): number[] {
  switch (node.kind) {
    case "set":
      return node.set.size === 0 ? [] : [random.pick([...node.set.bytes()])];
    case "sequence":
      return node.items.flatMap((item) => ofNode(item, random));
    case "choice":
      return ofNode(random.pick(node.items), random);
    case "repeat": {
      const count = node.min + random.below(Math.min(node.max - node.min, 4) + 1);
      return Array.from({ length: count }, () => ofNode(node.item, random)).flat();
    }
    case "group":
    case "atomic":
      return ofNode(node.item, random);
    default:
      return [];
  }
}

/** Bytes that an expression hits, if what it looks around for allows it. */
export function textOf(source: string, dialect: "yara" | "pcre", flags: string, random: Random) {
  return Uint8Array.from(ofNode(parseRegex(source, { dialect, flags }).root, random));
}

function ofRegex({ source, flags, isAscii }: YaraRegex, random: Random): Uint8Array {
  const bytes = textOf(source, "yara", flags, random);
  return isAscii ? bytes : widened(bytes);
}

function ofOp(op: Op, random: Random): Uint8Array {
  switch (op.kind) {
    case "literal":
      return op.bytes;
    case "masked":
      return op.values.map((value, i) => value | (random.below(256) & ~(op.masks[i] ?? 0)));
    case "gap":
      return random.bytes(
        op.min + random.below(Math.min(op.max - op.min, GAP_MAX) + 1),
        [0, 0x41, 0x4d, 0xff],
      );
    case "alternatives": {
      const { values, masks } = random.pick(op.items);
      if (op.isNegated) return values.map((value) => value ^ 1);
      return values.map((value, i) => value | (random.below(256) & ~(masks[i] ?? 0)));
    }
    default:
      return new Uint8Array(0);
  }
}

const SWAPPED = /[A-Za-z]/g;

function ofText(
  { text, modifiers }: Extract<StringDeclaration, { kind: "text" }>,
  random: Random,
): Uint8Array {
  const { isNocase, isAscii, isWide, xor, base64, base64wide } = modifiers;
  const cased = isNocase
    ? text.replace(SWAPPED, (c) => (random.below(2) === 0 ? c.toUpperCase() : c.toLowerCase()))
    : text;
  const plain: Uint8Array = Buffer.from(cased, "latin1");
  const bytes = isWide && (!isAscii || random.below(2) === 0) ? widened(plain) : plain;
  const alphabet = base64 ?? base64wide;
  if (alphabet !== null) {
    const form = random.pick(base64Forms(bytes, alphabet));
    return base64 === null ? widened(form) : form;
  }
  if (xor === null) return bytes;
  const key = xor.low + random.below(xor.high - xor.low + 1);
  return bytes.map((byte) => byte ^ key);
}

function ofString(string: StringDeclaration, random: Random): Uint8Array {
  switch (string.kind) {
    case "text":
      return ofText(string, random);
    case "regex":
      return ofRegex(string.regex, random);
    case "hex": {
      const { hex } = string;
      if (hex.ops !== null) return Buffer.concat(hex.ops.map((op) => ofOp(op, random)));
      const { source } = hex;
      const regex = { source, flags: "s", isAscii: true, isWide: false, isFullword: false };
      return ofRegex(regex, random);
    }
    default:
      return string satisfies never;
  }
}

interface Placement {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What a condition wants at fixed places. */
function placements(rule: Rule, random: Random): Placement[] {
  const found: Placement[] = [];
  walk(rule.condition, (node) => {
    if (node.op === "binary" && node.operator === "==" && node.left.op === "read") {
      const { at, size, isBigEndian } = node.left;
      if (at.op === "number" && node.right.op === "number" && at.value < BODY_AT) {
        const bytes = Buffer.alloc(size);
        const value = node.right.value % 2 ** (8 * size);
        if (isBigEndian) bytes.writeUIntBE(value, 0, size);
        else bytes.writeUIntLE(value, 0, size);
        found.push({ at: at.value, bytes });
      }
    }
    if (node.op === "found" && node.place?.low.op === "number" && node.place.low.value < BODY_AT) {
      const string = rule.strings[typeof node.string === "number" ? node.string : -1];
      const bytes = string && ofString(string, random);
      if (bytes !== undefined) found.push({ at: node.place.low.value, bytes });
    }
  });
  return found;
}

/** Calls `visit` for each operation of a condition. */
function walk(part: unknown, visit: (node: YaraNode) => void): void {
  if (Array.isArray(part)) for (const item of part) walk(item, visit);
  else if (typeof part === "object" && part !== null) {
    visit(part as YaraNode);
    walk(Object.values(part), visit);
  }
}

/** Texts that a condition wants in that field of a program's signatures. */
function wanted(condition: YaraNode, field: "subject" | "serial"): string[] {
  const texts: string[] = [];
  walk(condition, (node) => {
    if (node.op !== "binary" || node.left.op !== "field" || node.right.op !== "text") return;
    if (node.left.name === field && /^(?:contains|==)$/.test(node.operator)) {
      texts.push(node.right.value);
    }
  });
  return texts;
}

// Rules have subjects as OpenSSL prints them: bytes beyond ASCII as `\xHH`.
const unescaped = (text: string) =>
  text.replace(/\\x([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The signatures that a rule wants a program to have, one of them perhaps almost. */
function signaturesFor(rule: Rule, isNear: boolean): Buffer {
  const subjects = wanted(rule.condition, "subject");
  const serials = wanted(rule.condition, "serial");
  if (subjects.length + serials.length === 0) return Buffer.alloc(0);
  const hex = (serials.at(0) ?? "01").replaceAll(":", "");
  const serial = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  if (isNear) serial[serial.length - 1] = (serial.at(-1) ?? 0) ^ 1;
  const subject = Buffer.from(unescaped(subjects.at(0) ?? "Nobody"), "latin1");
  const message = buildSignature({ subject, serial, digest: Buffer.alloc(20, 7) });
  return certificateEntry(message);
}

/** Variables that rule sets expect from outside. */
export const EXTERNALS = ["filename", "filepath", "extension", "filetype", "owner"];

/** A file for a rule; `share` of its strings are in it. */
export function sampleOf(rule: Rule, random: Random, share: number): Buffer {
  const wantsPe = JSON.stringify(rule.condition).includes('"pe"');
  const certificates = signaturesFor(rule, share < 1);
  const head = wantsPe ? buildPe({ certificates }) : Buffer.alloc(BODY_AT, " ");
  const parts: Uint8Array[] = [head, Buffer.alloc(Math.max(0, BODY_AT - head.length), 0)];
  for (const string of rule.strings) {
    if (random.below(100) >= share * 100) continue;
    const copies = 1 + random.below(3);
    for (let i = 0; i < copies; i++) {
      parts.push(ofString(string, random), Buffer.from(random.pick([" ", "\0\0", "x", "\n"])));
    }
  }
  const sample = Buffer.concat(parts);
  for (const { at, bytes } of placements(rule, random)) {
    // A program keeps its header, unless this is the "MZ" it begins with.
    if (wantsPe && at !== 0) continue;
    sample.set(bytes.subarray(0, Math.max(0, sample.length - at)), at);
  }
  return sample;
}
