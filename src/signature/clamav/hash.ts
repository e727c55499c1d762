// Hash signatures: .hdb and .hsb of whole objects, .mdb and .msb of sections of PE files, .imp of
// import tables, and .fp and .sfp of what is to be trusted.
import { type Pattern, type Signature, SourceError } from "../source.ts";
import { infoOf, type LineContext } from "./logical.ts";
import { UnsupportedError } from "./pattern/units.ts";
import { type Field, fieldsOf, isForEngine, nameOf, OTHER_ENGINE } from "./report.ts";

/** A hash of bytes, and how many of them there are; null: any number. */
export type HashPattern = Extract<Pattern, { kind: "hash" }>;

const ALGORITHMS: Readonly<Record<number, HashPattern["algorithm"]>> = {
  32: "md5",
  40: "sha1",
  64: "sha256",
};
const SIZE_MAX = 2 ** 32 - 2;
/** Lines with `*` for a size are for engines from this level on, and say so. */
const ANY_SIZE_LEVEL = 73;

/** What a kind of file has hashes of, and in which order its fields stand. */
export interface HashRule {
  readonly of: NonNullable<HashPattern["of"]>;
  readonly isSizeFirst: boolean;
  /** `*` needs no engine level. */
  readonly isAnySizeFree: boolean;
}

/** Reads hex as a digest; throws SourceError unless it is one. */
export function digestOf(field: Field): Pick<HashPattern, "algorithm" | "digest"> {
  const { text } = field;
  const algorithm = ALGORITHMS[text.length];
  if (algorithm === undefined || !/^[0-9A-Fa-f]+$/.test(text)) {
    throw new SourceError("this is no hash", field, "MD5, SHA-1 or SHA-256 in hex");
  }
  return { algorithm, digest: new Uint8Array(Buffer.from(text, "hex")) };
}

function sizeOf(field: Field, isAnyAllowed: boolean): number | null {
  if (field.text === "*") {
    if (isAnyAllowed) return null;
    throw new SourceError("* for a size needs an engine level of 73", field, "a size");
  }
  const size = /^\d{1,10}$/.test(field.text) ? Number(field.text) : 0;
  if (size < 1 || size > SIZE_MAX) throw new SourceError("bad size", field, "1 or more, or *");
  return size;
}

/** A line of hashes as a pattern, and the name it goes by. */
export function readHash(
  line: string,
  number: number,
  rule: HashRule,
): { readonly name: string; readonly pattern: HashPattern } {
  const fields = fieldsOf(line, number, { separator: ":", min: 3, max: 5 });
  const [first, second, nameField, minField, maxField] = fields as [
    ...[Field, Field, Field],
    ...(Field | undefined)[],
  ];
  const [hashField, sizeField] = rule.isSizeFirst ? [second, first] : [first, second];
  const { algorithm, digest } = digestOf(hashField);
  const isOld = Number(minField?.text ?? 0) < ANY_SIZE_LEVEL;
  const size = sizeOf(sizeField, rule.isAnySizeFree || !isOld);
  const name = nameOf(nameField);
  if (!isForEngine(minField, maxField)) throw new UnsupportedError(OTHER_ENGINE, hashField);
  const pattern: HashPattern = {
    ...{ id: "0", line: number, kind: "hash", algorithm, digest, size },
    ...(rule.of === "object" ? {} : { of: rule.of }),
  };
  return { name, pattern };
}

/** The signature of one hash. */
export function hashSignature(name: string, pattern: HashPattern, context: LineContext): Signature {
  return {
    ...{
      info: infoOf(name, context.isUnwanted),
      sharesName: true,
      file: context.file,
      line: context.number,
    },
    ...{ targets: [], patterns: [pattern], condition: { kind: "pattern", pattern: 0 } },
  };
}
