// The subsignatures of logical signatures, by their forms: body patterns with modifiers, regular
// expressions, comparisons of bytes near a match, macros.
import type { ByteCompare, Subsignature } from "../../../gwdb/clamav-judgement.ts";
import { compileRegex } from "../../../regex/regex.ts";
import { RegexError } from "../../../regex/types.ts";
import { type Op, type Pattern, SourceError } from "../../source.ts";
import { highestId, parseLogic } from "../expression.ts";
import type { Field } from "../report.ts";
import { type Body, parseBody } from "./body.ts";
import { GROUPS_MAX, type Offset, parseOffset, placeOf } from "./place.ts";
import { UnsupportedError } from "./units.ts";

/** A body pattern as the compiler has it. */
export type BytePattern = Extract<Pattern, { kind: "bytes" }>;

/** Patterns that several lines of .ndb files have put into macro groups. */
export type MacroGroups = ReadonlyMap<number, readonly BytePattern[]>;

/** What a signature gathers while its subsignatures are read. */
export interface Draft {
  readonly target: number;
  readonly macros: MacroGroups;
  readonly patterns: BytePattern[];
  readonly subsignatures: Subsignature[];
}

const PATTERNS_MAX = 1000;
const REGEX_MAX = 32_768;

const lower = (byte: number, mask: number) =>
  mask === 0xff && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;

// What both cases of may match is kept in lower case.
function folded(op: Op): Op {
  switch (op.kind) {
    case "literal":
      return { kind: "literal", bytes: op.bytes.map((byte) => lower(byte, 0xff)) };
    case "masked":
      return { ...op, values: op.values.map((byte, i) => lower(byte, op.masks[i] ?? 0)) };
    case "alternatives": {
      const items = op.items.map(({ values, masks }) => ({
        values: values.map((byte, i) => lower(byte, masks[i] ?? 0)),
        masks,
      }));
      return { ...op, items };
    }
    case "gap":
    case "boundary":
      return op;
    default:
      return op satisfies never;
  }
}

/** Modifiers of a body pattern. */
interface Modifiers {
  readonly isFolded: boolean;
  readonly isFullword: boolean;
}

function patternOf(body: Body, line: number, modifiers: Modifiers & { isWide: boolean }) {
  const { isFolded, isFullword, isWide } = modifiers;
  let ops: readonly Op[] = isFolded ? body.ops.map(folded) : body.ops;
  const isLiteral = ops.length === 1 && ops[0]?.kind === "literal";
  if (isFullword && !isLiteral) {
    const edge = {
      kind: "boundary",
      class: isWide ? "wide-word" : "word",
      isNegated: false,
    } as const;
    ops = [{ ...edge, edge: "left" }, ...ops, { ...edge, edge: "right" }];
  }
  const pattern: BytePattern = {
    ...{ id: "", line, kind: "bytes", ops, isFolded, isWide },
    isFullword: isFullword && isLiteral,
    place: null,
  };
  return pattern;
}

/** A pattern, and how many of its bytes stand in front of its start. */
interface Led {
  readonly pattern: BytePattern;
  readonly lead: number;
}

/** One pattern for each distance that a lead may have: places and counts are from behind it. */
function placed(body: Body, pattern: BytePattern, offset: Offset): Led[] {
  const at = (lead: number) =>
    offset.kind === "plain" ? { place: placeOf(offset.place, lead) } : {};
  const { lead } = body;
  if (lead === null) return [{ pattern: { ...pattern, ...at(0) }, lead: 0 }];
  const first = pattern.ops.findIndex(({ kind }) => kind === "gap");
  const led: Led[] = [];
  for (let gap = lead.min; gap <= lead.max; gap++) {
    const isTooEarly = offset.kind === "plain" && offset.place.base === "start";
    if (isTooEarly && offset.place.add + offset.place.shift < gap + 1) continue;
    const ops = pattern.ops.map((op, i) =>
      i === first && op.kind === "gap" ? { ...op, min: gap, max: gap } : op,
    );
    led.push({ pattern: { ...pattern, ops, ...at(gap + 1) }, lead: gap + 1 });
  }
  return led;
}

/** Reads hex with its place and `::` modifiers; all patterns that it comes to. */
export function readBody(
  field: Field,
  offset: Offset,
  modifiers: string,
): { readonly patterns: readonly BytePattern[]; readonly leads: number[]; readonly bits: number } {
  if (!/^[iwaf]*$/.test(modifiers)) {
    throw new SourceError(`unknown modifiers ${modifiers.slice(0, 20)}`, field, "i w a f");
  }
  const has = (letter: string) => modifiers.includes(letter);
  const forms = has("w") ? (has("a") ? [true, false] : [true]) : [false];
  const shared = { isFolded: has("i"), isFullword: has("f") };
  let bits = Number.POSITIVE_INFINITY;
  const led = forms.flatMap((isWide) => {
    const body = parseBody(field.text, field, { isWide });
    bits = Math.min(bits, body.bits);
    return placed(body, patternOf(body, field.line, { ...shared, isWide }), offset);
  });
  return { patterns: led.map(({ pattern }) => pattern), leads: led.map(({ lead }) => lead), bits };
}

/** Adds patterns to a draft; their numbers. */
function addPatterns(draft: Draft, patterns: readonly BytePattern[], at: Field): number[] {
  if (draft.patterns.length + patterns.length > PATTERNS_MAX) {
    throw new UnsupportedError("too many patterns in one signature", at);
  }
  return patterns.map((pattern) => {
    draft.patterns.push({ ...pattern, id: `${draft.patterns.length}` });
    return draft.patterns.length - 1;
  });
}

/** Splits `offset:rest` where there is an offset. */
function splitOffset(field: Field, target: number): { offset: Offset | undefined; rest: Field } {
  const colon = field.text.indexOf(":");
  if (colon < 0 || field.text.startsWith("::", colon)) return { offset: undefined, rest: field };
  const { text, line, column } = field;
  const offset = parseOffset(text.slice(0, colon), target, field);
  return { offset, rest: { text: text.slice(colon + 1), line, column: column + colon + 1 } };
}

/** Whether a body subsignature is no more than two bytes that may stand anywhere. */
export interface ReadSubsignature {
  readonly isTrivial: boolean;
}

function addBody(draft: Draft, field: Field): ReadSubsignature {
  const { offset = { kind: "any" } as const, rest } = splitOffset(field, draft.target);
  if (offset.kind === "macro") throw new SourceError("a macro group stands in .ndb files", field);
  const at = rest.text.indexOf("::");
  const hex = at < 0 ? rest : { ...rest, text: rest.text.slice(0, at) };
  const read = readBody(hex, offset, at < 0 ? "" : rest.text.slice(at + 2));
  const { bits } = read;
  const patterns = addPatterns(draft, read.patterns, field);
  const leads = read.leads.some((lead) => lead > 0) ? { leads: read.leads } : {};
  const place = offset.kind === "executable" ? { place: offset.place } : {};
  draft.subsignatures.push({ kind: "body", patterns, ...leads, ...place });
  return { isTrivial: bits <= 16 && offset.kind === "any" };
}

const NOT_TRIVIAL: ReadSubsignature = { isTrivial: false };

function addMacro(draft: Draft, field: Field): ReadSubsignature {
  const [, low, high, group] = /^\$\{(\d{1,6})-(\d{1,6})\}(\d{1,4})\$$/.exec(field.text) ?? [];
  const id = draft.subsignatures.length - 1;
  if (low === undefined || high === undefined || Number(group) >= GROUPS_MAX || id < 0) {
    throw new SourceError("bad macro", field, "$ {min-max} group $ without spaces, not first");
  }
  const members = draft.macros.get(Number(group)) ?? [];
  if (members.length === 0) throw new UnsupportedError("a macro group without members", field);
  const patterns = addPatterns(draft, members, field);
  draft.subsignatures.push({ kind: "macro", patterns, id, min: Number(low), max: Number(high) });
  return NOT_TRIVIAL;
}

const COMPARE =
  /^(\d{1,2})\((>>|<<|)(0x[0-9A-Fa-f]{1,8}|\d{1,9})#([hdai])([lb]?)(e?)(\d{1,4})#(.+)\)$/;
const FORMS = { h: "hex", d: "decimal", a: "auto", i: "binary" } as const;

function testsOf(text: string, field: Field): ByteCompare["tests"] {
  const tests = text.split(",").map((test) => {
    const [, operator, value] = /^([<>=])(0x[0-9A-Fa-f]{1,16}|-?\d{1,19})$/.exec(test) ?? [];
    if (value === undefined) throw new SourceError(`bad comparison ${test}`, field, "<n >n =n");
    return { operator: operator as "=" | "<" | ">", value };
  });
  if (tests.length > 2) throw new SourceError("at most two comparisons", field);
  return tests;
}

function addCompare(draft: Draft, field: Field): ReadSubsignature {
  const [, id, sign, distance, form = "", endian, exact, digits, tests = ""] =
    COMPARE.exec(field.text) ?? [];
  const expected = "id(>>n#il4#=v)";
  if (id === undefined) throw new SourceError("bad byte comparison", field, expected);
  if (Number(id) >= draft.subsignatures.length) {
    throw new SourceError(`subsignature ${id} does not come before`, field);
  }
  const length = Number(digits);
  const isBinary = form === "i";
  if (isBinary && ![1, 2, 4, 8].includes(length)) {
    throw new SourceError("binary numbers have 1, 2, 4 or 8 bytes", field);
  }
  if (form === "d" && endian === "l") {
    throw new SourceError("decimal text has no byte order", field, "db");
  }
  const compare: ByteCompare = {
    ...{ id: Number(id), add: Number(distance) * (sign === "<<" ? -1 : 1) },
    form: FORMS[form as keyof typeof FORMS],
    isLittleEndian: endian === "l",
    isExact: exact === "e",
    length,
    tests: testsOf(tests, field),
  };
  draft.subsignatures.push({ kind: "compare", compare });
  return NOT_TRIVIAL;
}

// Compiled only to see whether it can be: judges compile those that are asked for.
function checkRegex(source: string, flags: string, field: Field): void {
  if (source.length > REGEX_MAX) throw new UnsupportedError("a regular expression too long", field);
  try {
    compileRegex(Buffer.from(source, "latin1"), { dialect: "pcre", flags });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new UnsupportedError(`regular expression: ${error.message}`, field);
  }
}

function addRegex(draft: Draft, field: Field): ReadSubsignature {
  const { text } = field;
  const from = text.indexOf("/");
  const to = text.lastIndexOf("/");
  const [, before, triggerText = ""] = /^(?:(.*):)?([^:]*)$/.exec(text.slice(0, from)) ?? [];
  if (to <= from || triggerText === "") {
    throw new SourceError("bad regular expression", field, "trigger/regex/flags");
  }
  const source = text.slice(from + 1, to);
  const letters = text.slice(to + 1).split("::")[0] ?? "";
  if (!/^[gismxAEUre]*$/.test(letters) || text.includes("::", to)) {
    throw new UnsupportedError("unknown flags of a regular expression", field);
  }
  const trigger = parseLogic(triggerText, field);
  if (highestId(trigger) >= draft.subsignatures.length) {
    throw new SourceError("the trigger speaks of a later subsignature", field);
  }
  const offset = before === undefined ? undefined : parseOffset(before, draft.target, field);
  if (offset?.kind === "macro") throw new SourceError("a macro group stands in .ndb files", field);
  if (offset?.kind === "executable" && offset.place.base === "version") {
    throw new UnsupportedError("offset VI of a regular expression", field);
  }
  const flags = letters.replace(/[gre]/g, "");
  checkRegex(source, flags, field);
  draft.subsignatures.push({
    ...{ kind: "pcre", trigger, source, flags, isGlobal: letters.includes("g") },
    ...(offset === undefined || offset.kind === "any" ? {} : { place: offset.place }),
    isRolling: letters.includes("r"),
    isEncompassed: letters.includes("e"),
  });
  return NOT_TRIVIAL;
}

/** Reads one subsignature into the draft. Throws SourceError or UnsupportedError. */
export function readSubsignature(draft: Draft, field: Field): ReadSubsignature {
  const { text } = field;
  if (text.startsWith("${")) return addMacro(draft, field);
  if (text.includes("/")) return addRegex(draft, field);
  if (/^\d+\(.*#/.test(text)) return addCompare(draft, field);
  if (text.startsWith("fuzzy_img#")) throw new UnsupportedError("fuzzy image hash", field);
  return addBody(draft, field);
}
