// Lines of .cdb files: signatures of container metadata,
// `Name:CType:CSize:NameRegex:SizeInContainer:RealSize:Encrypted:FilePos:Res1:Res2[:MinFL[:MaxFL]]`.
import type { NumberRange } from "../../gwdb/clamav-judgement.ts";
import type { EntryJudgement } from "../../gwdb/entry-judgement.ts";
import { compileRegex } from "../../regex/regex.ts";
import { RegexError } from "../../regex/types.ts";
import { type Expression, type Signature, SourceError } from "../source.ts";
import { allOf, containerCondition, sizeCondition } from "./attributes.ts";
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

// What gw's extracts do not tell; an encrypted entry that was opened is no longer one.
function checkUnsupported(packedSize: Field, encrypted: Field): void {
  if (rangeOf(packedSize) !== undefined) {
    throw new UnsupportedError("size in the container", packedSize);
  }
  if (encrypted.text === "1") throw new UnsupportedError("encrypted entries", encrypted);
  if (!/^[0*]$/.test(encrypted.text)) throw new SourceError("bad flag", encrypted, "0, 1 or *");
}

/** Reads one line; throws SourceError, or UnsupportedError for what gw does not check. */
export function readEntryLine(line: string, context: LineContext): Signature {
  const fields = fieldsOf(line, context.number, FIELDS);
  const [name, type, size, regex, packed, real, encrypted, position] = fields as [
    ...[Field, Field, Field, Field],
    ...[Field, Field, Field, Field],
  ];
  if (!isForEngine(fields[10], fields[11])) throw new UnsupportedError(OTHER_ENGINE, name);
  checkUnsupported(packed, encrypted);
  const realSize = rangeOf(real);
  const expression = nameExpression(regex);
  const containerSize = rangeOf(size);
  const place = rangeOf(position);
  const limits = allOf(
    type.text === "*" ? null : containerCondition(type.text, type),
    realSize === undefined ? null : sizeCondition(realSize),
  );
  if ((limits ?? expression ?? containerSize ?? place ?? null) === null) {
    throw new UnsupportedError("would match every entry", name);
  }
  const judgement: EntryJudgement = {
    format: "entry",
    ...(expression === undefined ? {} : { name: expression }),
    ...(containerSize === undefined ? {} : { containerSize }),
    ...(place === undefined ? {} : { position: place }),
  };
  const always: Expression = { kind: "always" };
  return {
    info: infoOf(nameOf(name).trim(), context.isUnwanted),
    ...{ file: context.file, line: context.number, targets: [], patterns: [] },
    ...{ condition: limits ?? always, judgement },
  };
}
