// Lines of .cdb files: signatures of container metadata,
// `Name:CType:CSize:NameRegex:SizeInContainer:RealSize:Encrypted:FilePos:Res1:Res2[:MinFL[:MaxFL]]`.
import type { NumberRange } from "../../gwdb/clamav-judgement.ts";
import type { EntryJudgement } from "../../gwdb/entry-judgement.ts";
import { compileRegex } from "../../regex/regex.ts";
import { RegexError } from "../../regex/types.ts";
import { type Expression, type Signature, SourceError } from "../source.ts";
import { containerCondition } from "./attributes.ts";
import { infoOf, type LineContext } from "./logical.ts";
import { UnsupportedError } from "./pattern/units.ts";
import { type Field, fieldsOf, isForEngine, nameOf, OTHER_ENGINE } from "./report.ts";

const FIELDS = { separator: ":", min: 10, max: 12 };

// `n` or `a-b`; undefined for `*`, which asks nothing.
function rangeOf(field: Field): NumberRange | undefined {
  if (field.text === "*") return undefined;
  const [, low, high = low] = /^(\d{1,12})(?:-(\d{1,12}))?$/.exec(field.text) ?? [];
  if (low === undefined) throw new SourceError("bad range", field, "n, n-m or *");
  return { min: Number(low), max: Number(high) };
}

function nameExpression(field: Field): string | undefined {
  if (field.text === "*") return undefined;
  try {
    compileRegex(Buffer.from(field.text, "latin1"), { dialect: "posix", flags: "" });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    const at = { line: field.line, column: field.column + error.position };
    throw new SourceError(error.message, at);
  }
  return field.text;
}

function flagOf(field: Field): boolean | undefined {
  if (field.text === "*") return undefined;
  if (!/^[01]$/.test(field.text)) throw new SourceError("bad flag", field, "0, 1 or *");
  return field.text === "1";
}

/** Reads one line; throws SourceError, or UnsupportedError for what gw does not check. */
export function readEntryLine(line: string, context: LineContext): Signature {
  const fields = fieldsOf(line, context.number, FIELDS);
  const [name, type, size, regex, packed, real, encrypted, position] = fields as [
    ...[Field, Field, Field, Field],
    ...[Field, Field, Field, Field],
  ];
  if (!isForEngine(fields[10], fields[11])) throw new UnsupportedError(OTHER_ENGINE, name);
  const realSize = rangeOf(real);
  const expression = nameExpression(regex);
  const containerSize = rangeOf(size);
  const place = rangeOf(position);
  const packedSize = rangeOf(packed);
  const isEncrypted = flagOf(encrypted);
  const limits = type.text === "*" ? null : containerCondition(type.text, type);
  const judgement: EntryJudgement = {
    format: "entry",
    ...(expression === undefined ? {} : { name: expression }),
    ...(containerSize === undefined ? {} : { containerSize }),
    ...(realSize === undefined ? {} : { size: realSize }),
    ...(packedSize === undefined ? {} : { packedSize }),
    ...(isEncrypted === undefined ? {} : { isEncrypted }),
    ...(place === undefined ? {} : { position: place }),
  };
  const asked = Object.keys(judgement).filter((key) => key !== "format" && key !== "isEncrypted");
  // Whether an entry is encrypted says too little: half of all are.
  if (limits === null && asked.length === 0) {
    throw new UnsupportedError("would match every entry", name);
  }
  const always: Expression = { kind: "always" };
  return {
    info: infoOf(nameOf(name).trim(), context.isUnwanted),
    ...{ file: context.file, line: context.number, targets: [], patterns: [] },
    ...{ condition: limits ?? always, judgement },
  };
}
