// Lines of .ldb and .ndb files as signatures.
import type { ClamavJudgement, LogicalNode } from "../../gwdb/clamav-judgement.ts";
import { isLogicTrue } from "../../gwdb/clamav-logic.ts";
import type { Severity } from "../../message.ts";
import { type Expression, type Signature, SourceError } from "../source.ts";
import { type Attributes, allOf, parseAttributes, targetCondition } from "./attributes.ts";
import { ConditionWriter, patternsOf } from "./condition.ts";
import { highestId, parseLogic, SUBSIGNATURES_MAX } from "./expression.ts";
import { parseOffset } from "./pattern/place.ts";
import {
  type BytePattern,
  type Draft,
  type MacroGroups,
  readBody,
  readSubsignature,
} from "./pattern/subsignature.ts";
import { UnsupportedError } from "./pattern/units.ts";
import { checkCount, type Field, fieldsOf, isForEngine, nameOf, OTHER_ENGINE } from "./report.ts";
import { targetOf } from "./types.ts";

const LINE_MAX = 1 << 20;

/** Where a line comes from. */
export interface LineContext {
  readonly file: string;
  readonly number: number;
  /** Of files with potentially unwanted applications. */
  readonly isUnwanted: boolean;
  readonly macros: MacroGroups;
}

/** What people are told of an imported signature: its name, exactly. */
export function infoOf(name: string, isUnwanted: boolean): Signature["info"] {
  const severity: Severity = isUnwanted || name.startsWith("PUA.") ? "unwanted" : "infected";
  return { name, severity, description: "", reference: "", cure: { kind: "none" } };
}

// Between the slashes of a regular expression (from the fourth field on) a `;` is not a separator.
function splitLogical(line: string, number: number): Field[] {
  const fields: Field[] = [];
  let isRegex = false;
  let from = 0;
  for (let i = 0; i <= line.length; i++) {
    const c = line[i];
    if (c === "/" && fields.length >= 3 && line[i - 1] !== "\\") isRegex = !isRegex;
    if (i < line.length && (c !== ";" || isRegex)) continue;
    fields.push({ text: line.slice(from, i), line: number, column: from + 1 });
    from = i + 1;
  }
  return fields;
}

interface Parts {
  readonly attributes: Attributes;
  readonly logic: LogicalNode;
  readonly draft: Draft;
}

function judgementOf({ attributes, logic, draft }: Parts): ClamavJudgement {
  const { entryPoint, sectionCount, intermediates } = attributes;
  return {
    ...{ format: "clamav", expression: logic, subsignatures: draft.subsignatures },
    ...(entryPoint === undefined ? {} : { entryPoint }),
    ...(sectionCount === undefined ? {} : { sectionCount }),
    ...(intermediates === undefined ? {} : { intermediates }),
  };
}

interface Decided {
  readonly patterns: readonly BytePattern[];
  readonly condition: Expression;
  readonly judgement?: ClamavJudgement;
}

/** The condition for the core, and a judgement if that does not say it all. */
function decide(parts: Parts): Decided {
  const { attributes, logic, draft } = parts;
  const { limits, target, entryPoint, sectionCount, intermediates } = attributes;
  const isJudged = (entryPoint ?? sectionCount ?? intermediates) !== undefined;
  const writer = new ConditionWriter(draft.subsignatures, draft.patterns);
  const exact = isJudged ? null : writer.exact(logic);
  const around = allOf(targetCondition(target), limits);
  if (exact !== null) {
    return { patterns: draft.patterns, condition: allOf(exact, around) ?? exact };
  }
  const trigger = allOf(writer.weak(logic), around) ?? ({ kind: "always" } as const);
  const searched = patternsOf(trigger);
  const patterns = draft.patterns.map((pattern, number) =>
    searched.has(number) ? pattern : { ...pattern, isLazy: true },
  );
  return { patterns, condition: trigger, judgement: judgementOf(parts) };
}

// Such signatures would stop all mail: they hold for objects that have none of their patterns, or
// nothing but two bytes of them.
function checkMeaning(logic: LogicalNode, trivial: readonly boolean[], at: Field): void {
  if (isLogicTrue(logic, () => 0)) {
    throw new UnsupportedError("it holds for everything that lacks its patterns", at);
  }
  if (isLogicTrue(logic, (id) => (trivial[id] === true ? 1 : 0))) {
    throw new UnsupportedError("two bytes anywhere are in nearly everything", at);
  }
}

/** Reads a line of a .ldb file. Throws SourceError, or UnsupportedError to skip it. */
export function readLogicalLine(line: string, context: LineContext): Signature {
  const { number } = context;
  if (line.length > LINE_MAX) throw new SourceError("the line is too long", { line: 0, column: 1 });
  const fields = splitLogical(line, number);
  checkCount(fields.length, { min: 4, max: 3 + SUBSIGNATURES_MAX }, { line: number, column: 1 });
  const [nameField, attributeField, logicField, ...rest] = fields as [Field, Field, Field];
  const name = nameOf(nameField);
  const attributes = parseAttributes(attributeField);
  const logic = parseLogic(logicField.text, logicField);
  if (highestId(logic) + 1 !== rest.length) {
    const message = `the expression speaks of ${highestId(logic) + 1} subsignatures`;
    throw new SourceError(`${message}, the line has ${rest.length}`, logicField);
  }
  const { macros } = context;
  const draft: Draft = { target: attributes.number, macros, patterns: [], subsignatures: [] };
  const trivial = (rest as Field[]).map((field) => readSubsignature(draft, field).isTrivial);
  checkMeaning(logic, trivial, logicField);
  return {
    ...{
      info: infoOf(name, context.isUnwanted),
      sharesName: true,
      file: context.file,
      line: number,
    },
    targets: attributes.target.containers === undefined ? attributes.target.types : [],
    ...(attributes.handler === undefined ? {} : { handler: attributes.handler }),
    ...decide({ attributes, logic, draft }),
  };
}

const EVERY_ID_0: LogicalNode = { kind: "count", id: 0 };

/** A line of a .ndb file: a signature, or a member of a macro group. */
export type BodyLine =
  | { readonly kind: "signature"; readonly signature: Signature }
  | { readonly kind: "macro"; readonly group: number; readonly pattern: BytePattern };

/** Reads a line of a .ndb file. Throws SourceError, or UnsupportedError to skip it. */
export function readBodyLine(line: string, context: LineContext): BodyLine {
  const fields = fieldsOf(line, context.number, { separator: ":", min: 4, max: 6 });
  const [nameField, targetField, offsetField, hexField, minField, maxField] = fields as [
    ...[Field, Field, Field, Field],
    ...(Field | undefined)[],
  ];
  const name = nameOf(nameField);
  if (!/^(?:\d{1,4}|\*)$/.test(targetField.text)) {
    throw new SourceError(`bad target ${targetField.text}`, targetField, "a number or *");
  }
  if (!isForEngine(minField, maxField)) throw new UnsupportedError(OTHER_ENGINE, targetField);
  const number = targetField.text === "*" ? 0 : Number(targetField.text);
  const target = targetOf(number);
  if (target === undefined) throw new UnsupportedError(`target ${number}`, targetField);
  const offset = parseOffset(offsetField.text, number, offsetField);
  const { patterns, leads, bits } = readBody(hexField, offset, "");
  if (offset.kind === "macro") {
    const [pattern] = patterns as [BytePattern];
    return { kind: "macro", group: offset.group, pattern: { ...pattern, isLazy: true } };
  }
  if (bits <= 16 && /^[0-9A-Fa-f]{4}$/.test(hexField.text)) {
    throw new SourceError("the pattern is too short", hexField, "3 bytes of hex");
  }
  if (bits <= 16 && offset.kind === "any") {
    throw new UnsupportedError("two bytes anywhere are in nearly everything", hexField);
  }
  const place = offset.kind === "executable" ? { place: offset.place } : {};
  const draft: Draft = {
    ...{ target: number, macros: context.macros },
    patterns: patterns.map((pattern, i) => ({ ...pattern, id: `${i}` })),
    subsignatures: [{ kind: "body", patterns: patterns.map((_, i) => i), leads, ...place }],
  };
  const attributes: Attributes = { number, target, limits: null };
  const signature: Signature = {
    ...{
      info: infoOf(name, context.isUnwanted),
      sharesName: true,
      file: context.file,
      line: context.number,
    },
    targets: target.containers === undefined ? target.types : [],
    ...decide({ attributes, logic: EVERY_ID_0, draft }),
  };
  return { kind: "signature", signature };
}
